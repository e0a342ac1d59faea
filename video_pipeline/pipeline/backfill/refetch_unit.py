"""Getting a job's result from its provider once more: nothing is asked for, nothing is paid.

A job that runs is looked up at once. Of one that had ended, the raw pages are fetched and stored
anew, where its provider still keeps them: pages that were damaged, or deleted, or could not be
read come back so.
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
    """The units of a project, or of one video of it, for which a fetch may come to something: those
    whose job runs, and settled ones of phases that failed all the same. Left out is what only a run
    that pays could mend: phases for which a request to the same provider failed."""
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
    """The latest jobs of providers that have answered all that they were asked for a phase."""
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
    """The next sweep looks the unit's job up; False where none runs. Repeatable."""
    if unit.state is not UnitState.RUNNING:
        return False
    services.of(unit.request.key.project).units.postpone(unit.id, services.clock())
    return True


def fetch_again(services: Services, unit: WorkUnit) -> Again | None:
    """Fetch the pages of a settled unit anew; what must run to read them, None where every phase
    of it has its result already.

    Raises InputError for a unit that has none, ProviderError where the provider does not give
    them, and ConfigurationError where it is asked in another region or account now.
    """
    key, plugin = unit.request.key, services.plugins.get(unit.request.provider)
    if unit.state is not UnitState.SETTLED or not unit.job or not isinstance(plugin, Jobs):
        raise InputError(
            f"it is {unit.state}, with {f'job {unit.job}' if unit.job else 'no job'} at "
            f"{unit.request.provider}: there is nothing to be fetched",
            where=f"work unit {unit.id}",
            remedy="`video-pipeline jobs retry` makes the request of a failed one again.",
        )
    if error := elsewhere(unit, plugin):
        raise error
    units = services.of(key.project).units
    with Leases(services, units) as leases:
        if leases.try_take(unit.id) is None:
            raise InputError(
                "a run is at work on it", where=f"work unit {unit.id}", remedy="Wait for that run."
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
            f"the provider has no result of job {job} any more",
            category=FailureCategory.RESULT_EXPIRED,
            where=unit.request.provider,
            remedy=f"`video-pipeline jobs force {unit.id}` asks again, and pays again.",
        )
    outputs = services.outputs.project(unit.request.key.project)
    RawPages(outputs, unit.request.key, unit.id).store(plugin.fetch(job))


def _is_made_of(services: Services, unit: WorkUnit, phase: Phase) -> bool:
    """Whether the current result of a phase was read from this unit's pages, and of others."""
    key = unit.request.key
    result = services.of(key.project).results.get(key.video, phase)
    origin = result.provenance if result else None
    return origin is not None and unit.id in (origin.unit, *origin.units)
