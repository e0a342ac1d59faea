"""Repeats the request of an ended work unit, or fetches its result again. Launches nothing.

`retry` is for a unit without a result. `force` is for any ended unit, and pays again. `fetch_again`
costs nothing: it replaces damaged, deleted or unreadable pages while the provider has them.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.catalog.results import Results
from video_pipeline.catalog.units import Units
from video_pipeline.domain.errors import FailureCategory, InputError, ProviderError
from video_pipeline.domain.phases import Phase, downstream
from video_pipeline.domain.progress import ENDED_BADLY, PhaseState
from video_pipeline.domain.usage import Usage, summed
from video_pipeline.domain.work import Stage, UnitFilter, UnitState, WorkUnit, states_in
from video_pipeline.pipeline.analysis.failure_limit import revive
from video_pipeline.pipeline.backfill.selection import Only, Picked, Wish
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.moved_account import elsewhere
from video_pipeline.pipeline.jobs.queries import every_unit
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.policies import Choices
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.base import Jobs
from video_pipeline.storage.store import ProjectOutputs

_SELECTED_BY = {UnitState.FAILED: Only.FAILED, UnitState.CANCELLED: Only.MISSING}
_REMEDIES = {
    Stage.UNSENT: "Nothing is to be done: it is submitted when a slot is free.",
    Stage.SENT: "Wait: the sweep or the next run submits it again. To give it up, use "
    "`video-pipeline jobs cancel`, then `video-pipeline jobs release`.",
    Stage.ACCEPTED: "Wait for its job, or cancel it first with `video-pipeline jobs cancel`.",
    Stage.DOUBTED: "Check the job at the provider, then run `video-pipeline jobs release`.",
    Stage.OVER: "Its result is stored. To pay for a new one: `video-pipeline jobs force`.",
}


@dataclass(frozen=True, slots=True)
class Again:
    """A run over one video that asks the unit's provider for the unit's phases."""

    wish: Wish
    picked: Picked
    providers: Mapping[Phase, str]
    """The provider to ask, for phases of which pipeline.yaml names another one first."""


def retry(services: Services, unit: WorkUnit) -> Again:
    """Return the run that repeats the request of a failed or cancelled unit.

    Dead phases of the unit are revived. Raises InputError if the unit cannot be retried.
    """
    if not unit.state.may_be_reopened:
        raise _refused(unit, f"it is {unit.state}", _REMEDIES[unit.state.stage])
    again = _again(services, unit, _SELECTED_BY[unit.state], force=False)
    run = VideoRun.of(services, unit.request.key)
    statuses = run.catalog.results.statuses(run.key.video)
    dead = [
        p for p in unit.request.phases if p in statuses and statuses[p].state is PhaseState.DEAD
    ]
    if dead:
        revive(run, dead)
    return again


def force(services: Services, unit: WorkUnit) -> Again:
    """Return the run that requests and pays for an ended unit again.

    Raises InputError if the unit cannot be forced.
    """
    if not unit.state.final:
        raise _refused(unit, f"it is {unit.state}", _REMEDIES[unit.state.stage])
    return _again(services, unit, Only.ALL, force=True)


def to_pay(units: Units, unit: WorkUnit) -> tuple[Usage, ...]:
    """Return the expected usage of forcing a unit, from the earlier requests.

    All requests by which its provider serves the same phases are repeated with it.
    """
    request = unit.request
    alike = {
        one.request.digest: one
        for one in units.of_video(request.key.video)
        if (one.request.provider, one.request.content) == (request.provider, request.content)
        and set(one.request.phases) & set(request.phases)
    }
    return summed(usage for one in alike.values() for usage in one.planned)


def asking_first(choices: Choices, unit: WorkUnit) -> dict[Phase, str]:
    """Return the unit's provider for its phases of which pipeline.yaml names another one first."""
    request = unit.request
    firsts = {p: choices.of(request.key.project, p).providers[:1] for p in request.phases}
    return {p: request.provider for p, first in firsts.items() if first != (request.provider,)}


def to_fetch(services: Services, project: str, video: str | None = None) -> Iterator[WorkUnit]:
    """Yield the units of a project or video whose result may be worth fetching.

    These are units with a running job, and settled units of failed phases. Left out are phases for
    which another request to the same provider failed: only a new paid request helps there.
    """
    running = UnitFilter(states=states_in(Stage.ACCEPTED), video=video)
    yield from every_unit(services.catalog, running, project)
    catalog = services.of(project)
    failed = catalog.standings.in_state(*ENDED_BADLY)
    seen = set[str]()
    for name, status in failed:
        if video in (None, name):
            found = {unit.id: unit for unit in _settled(catalog, name, status.phase)}
            yield from (unit for unit in found.values() if unit.id not in seen)
            seen |= found.keys()


def _settled(catalog: ProjectCatalog, video: str, phase: Phase) -> list[WorkUnit]:
    """Return a phase's latest jobs of providers whose requests for it are all settled."""
    record = catalog.videos.get(video)
    content = record.sha256 if record else None
    latest = {
        (unit.request.provider, unit.request.operation): unit
        for unit in catalog.units.of_video(video)
        if phase in unit.request.phases and content in (None, unit.request.content)
    }
    unanswered = {
        unit.request.provider for unit in latest.values() if unit.state is not UnitState.SETTLED
    }
    answered = [unit for unit in latest.values() if unit.request.provider not in unanswered]
    return [unit for unit in answered if unit.job]


def look_up_now(services: Services, unit: WorkUnit) -> bool:
    """Make the next sweep poll the unit's job. Return False if none runs. May be repeated."""
    if unit.state.stage is not Stage.ACCEPTED:
        return False
    services.of(unit.request.key.project).units.postpone(unit.id, services.clock())
    return True


def fetch_again(services: Services, unit: WorkUnit) -> Again | None:
    """Fetch the pages of a settled unit again, and return the run that reads them.

    Returns None if all of its phases have their results from these pages. Raises InputError for a
    unit without pages, and ProviderError if the provider no longer has them. Raises
    ConfigurationError if pipeline.yaml now names another region or account.
    """
    key, plugin = unit.request.key, services.plugins.get(unit.request.provider)
    if unit.state is not UnitState.SETTLED or not unit.job or not isinstance(plugin, Jobs):
        raise InputError(
            f"nothing can be fetched: it is {unit.state}, with "
            f"{f'job {unit.job}' if unit.job else 'no job'} at {unit.request.provider}",
            where=f"work unit {unit.id}",
            remedy="If it failed, repeat its request with `video-pipeline jobs retry`.",
        )
    if error := elsewhere(unit, plugin):
        raise error
    catalog = services.of(key.project)
    with Leases(services, catalog.units) as leases:
        if leases.try_take(unit.id) is None:
            raise InputError(
                "a run is using it", where=f"work unit {unit.id}", remedy="Wait for that run."
            )
        _store(services.outputs.project(key.project), plugin, unit, unit.job)
    phases = unit.request.phases
    unread = frozenset(p for p in phases if not _is_made_of(catalog.results, unit, p))
    if not unread:
        return None
    wish = Wish(key.project, unread, Only.FAILED)
    picked = Picked(key, unread | downstream(unread), unread)
    return Again(wish, picked, asking_first(services.choices, unit))


def _store(outputs: ProjectOutputs, plugin: Jobs, unit: WorkUnit, job: str) -> None:
    status = plugin.poll([job]).get(job)
    if status is None or status.state != "succeeded":
        raise ProviderError(
            f"the provider no longer has a result of job {job}",
            category=FailureCategory.RESULT_EXPIRED,
            where=unit.request.provider,
            remedy=f"Request and pay again with `video-pipeline jobs force {unit.id}`.",
        )
    RawPages(outputs, unit.request.key, unit.id).store(plugin.fetch(job))


def _is_made_of(results: Results, unit: WorkUnit, phase: Phase) -> bool:
    """Return whether the current result of a phase was made from this unit's pages."""
    result = results.get(unit.request.key.video, phase)
    origin = result.provenance if result else None
    return origin is not None and unit.id in (origin.unit, *origin.units)


def _again(services: Services, unit: WorkUnit, only: Only, *, force: bool) -> Again:
    named = {*services.plugins, *services.unavailable}
    _check_current(services.of(unit.request.key.project), unit, named)
    asked = frozenset(unit.request.phases)
    return Again(
        wish=Wish(unit.request.key.project, asked, only, force),
        picked=Picked(unit.request.key, asked | downstream(asked), asked),
        providers=asking_first(services.choices, unit),
    )


def _check_current(catalog: ProjectCatalog, unit: WorkUnit, named: Collection[str]) -> None:
    """Raise InputError if the unit is not the latest for today's source and named providers."""
    request = unit.request
    if request.provider not in named:
        remedy = (
            "To use the providers of today, run "
            f"`video-pipeline backfill --project {request.key.project} --only failed`."
        )
        raise _refused(unit, f"pipeline.yaml no longer names {request.provider!r}", remedy)
    record = catalog.videos.get(request.key.video)
    if record is None or record.removed_at or record.archived_at:
        raise _refused(
            unit, f"{request.key} is removed or archived", "Run `video-pipeline restore` first."
        )
    if record.sha256 is not None and record.sha256 != request.content:
        remedy = f"Run `video-pipeline backfill --project {request.key.project} --only missing`."
        raise _refused(unit, f"{request.key} has a newer source version", remedy)
    latest = catalog.units.latest(request)
    if latest is not None and latest.id != unit.id:
        what = f"its request was repeated since, and the newer unit is {latest.state}"
        raise _refused(unit, what, f"Use that unit instead: {latest.id}.")


def _refused(unit: WorkUnit, what: str, remedy: str) -> InputError:
    return InputError(what, where=f"work unit {unit.id}", remedy=remedy)
