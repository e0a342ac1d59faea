"""Fetches the result of a job again, without a new request and at no cost.

A running job is polled at once. The raw pages of an ended job are fetched and stored again, if its
provider still has them. This replaces damaged, deleted or unreadable pages.
"""

from collections.abc import Iterator

from video_pipeline.domain.errors import FailureCategory, InputError, ProviderError
from video_pipeline.domain.phases import Phase, downstream
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitFilter, UnitState, WorkUnit
from video_pipeline.pipeline.backfill.retry_unit import Again, asking_first
from video_pipeline.pipeline.backfill.selection import Only, Picked, Wish
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.moved_account import elsewhere
from video_pipeline.pipeline.jobs.queries import every_unit
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs


def to_fetch(services: Services, project: str, video: str | None = None) -> Iterator[WorkUnit]:
    """Yield the units of a project or video whose result may be worth fetching.

    These are units with a running job, and settled units of failed phases. Left out are phases for
    which another request to the same provider failed: only a new paid request helps there.
    """
    running = UnitFilter(states=frozenset({UnitState.RUNNING}), video=video)
    yield from every_unit(services, running, project)
    failed = services.of(project).standings.in_state(PhaseState.FAILED, PhaseState.DEAD)
    seen = set[str]()
    for name, status in failed:
        if video in (None, name):
            found = {unit.id: unit for unit in _settled(services, project, name, status.phase)}
            yield from (unit for unit in found.values() if unit.id not in seen)
            seen |= found.keys()


def _settled(services: Services, project: str, video: str, phase: Phase) -> list[WorkUnit]:
    """Return a phase's latest jobs of providers whose requests for it are all settled."""
    record = services.of(project).videos.get(video)
    content = record.sha256 if record else None
    latest = {
        (unit.request.provider, unit.request.operation): unit
        for unit in services.of(project).units.of_video(video)
        if phase in unit.request.phases and content in (None, unit.request.content)
    }
    unanswered = {
        unit.request.provider for unit in latest.values() if unit.state is not UnitState.SETTLED
    }
    answered = [unit for unit in latest.values() if unit.request.provider not in unanswered]
    return [unit for unit in answered if unit.job]


def look_up_now(services: Services, unit: WorkUnit) -> bool:
    """Make the next sweep poll the unit's job. Return False if none runs. May be repeated."""
    if unit.state is not UnitState.RUNNING:
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
    units = services.of(key.project).units
    with Leases(services, units) as leases:
        if leases.try_take(unit.id) is None:
            raise InputError(
                "a run is using it", where=f"work unit {unit.id}", remedy="Wait for that run."
            )
        _store(services, plugin, unit, unit.job)
    unread = frozenset(p for p in unit.request.phases if not _is_made_of(services, unit, p))
    if not unread:
        return None
    wish = Wish(key.project, unread, Only.FAILED)
    picked = Picked(key, unread | downstream(unread), unread)
    return Again(wish, picked, asking_first(services, unit))


def _store(services: Services, plugin: Jobs, unit: WorkUnit, job: str) -> None:
    status = plugin.poll([job]).get(job)
    if status is None or status.state != "succeeded":
        raise ProviderError(
            f"the provider no longer has a result of job {job}",
            category=FailureCategory.RESULT_EXPIRED,
            where=unit.request.provider,
            remedy=f"Request and pay again with `video-pipeline jobs force {unit.id}`.",
        )
    outputs = services.outputs.project(unit.request.key.project)
    RawPages(outputs, unit.request.key, unit.id).store(plugin.fetch(job))


def _is_made_of(services: Services, unit: WorkUnit, phase: Phase) -> bool:
    """Return whether the current result of a phase was made from this unit's pages."""
    key = unit.request.key
    result = services.of(key.project).results.get(key.video, phase)
    origin = result.provenance if result else None
    return origin is not None and unit.id in (origin.unit, *origin.units)
