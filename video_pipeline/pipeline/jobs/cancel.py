"""Cancel parked units, or those of a terminated run: stop their jobs, or mark them as orphaned.

Their phases become cancelled. If a provider does not answer, the sweep asks it again to stop. The
result of an orphaned job is counted and kept for a later run, but starts none.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseStatus
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import Stage, UnitState, WorkUnit
from video_pipeline.pipeline.jobs.close import close
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.video_run import VideoRun

# A phase of one content, as requested from one provider.
_Served = tuple[str, str, Phase]


class Cancelled(Frozen):
    """A work unit after its cancellation."""

    unit: WorkUnit
    """Marked as unwanted if its job still runs and no other run needs it."""

    @property
    def is_held(self) -> bool:
        """Return whether a run works on its request, so that it must be cancelled again."""
        return self.unit.state.stage in (Stage.UNSENT, Stage.SENT)

    @property
    def outcome(self) -> str:
        """Return its state as text for people."""
        if self.unit.state.stage is Stage.ACCEPTED:
            if self.unit.unwanted:
                return "its provider has not stopped it: its usage is recorded, no run is started"
            return "it keeps running: another run needs it, or its own run has not ended yet"
        if self.is_held:
            return "a run works on it now: terminate that run, or try again when it has ended"
        return self.unit.failure.message if self.unit.failure else str(self.unit.state)


def cancel(
    services: Services, key: VideoKey, units: Collection[str], because: str
) -> list[Cancelled]:
    """Cancel units of a video, their phases, and other units of only those. Repeatable."""
    group = CancelGroup(services.catalog, key, units)
    cancelled = [one for unit in group.units for one in _cancel(services, key, unit.id, because)]
    _report_phases(VideoRun.of(services, key), group, because)
    return cancelled


def _cancel(services: Services, key: VideoKey, unit_id: str, because: str) -> Iterator[Cancelled]:
    ledger = services.of(key.project).units
    unit = ledger.get(unit_id)
    if unit is None or unit.state.final or unit.request.key != key:
        return
    orphan(services, unit, because)
    now = ledger.get(unit_id)
    if now is not None:
        yield Cancelled(unit=now)


def orphan(services: Services, unit: WorkUnit, because: str) -> None:
    """Close a unit that no run needs. If its job still runs, its result is kept for a later run."""
    key = unit.request.key
    close(services, key, unit.id, because)
    services.of(key.project).units.set_unwanted(unit.id, True)  # if it still runs


def cancel_run(
    services: Services, key: VideoKey, run_id: str, because: str, *, kept: Collection[str] = ()
) -> bool:
    """Cancel a terminated run, except `kept` units. Returns False until its leases expire."""
    project = services.of(key.project)
    statuses = project.results.statuses(key.video).values()
    left = [s for s in statuses if s.run_id == run_id and s.state is PhaseState.RUNNING]
    begun = {status.unit for status in left if status.unit} - {*kept}
    units = [
        unit.id for unit in CancelGroup(services.catalog, key, begun).units if unit.id not in kept
    ]
    ended = [one for unit in units for one in _cancel(services, key, unit, because)]
    if any(one.is_held for one in ended):
        return False
    for status in left:
        _report(Reporter(VideoRun.of(services, key, run_id)), status, because)
    return True


def with_dependents(catalog: Catalog, units: Iterable[WorkUnit]) -> list[WorkUnit]:
    """Return all units that a cancellation of these units would cancel."""
    by_video: dict[VideoKey, list[str]] = {}
    for unit in units:
        by_video.setdefault(unit.request.key, []).append(unit.id)
    return [one for key, ids in by_video.items() for one in CancelGroup(catalog, key, ids).units]


class CancelGroup:
    """Which units of a video must be cancelled together.

    A phase needs all of its units, so cancelling one also cancels the rest, except those that
    another phase still needs.
    """

    def __init__(self, catalog: Catalog, key: VideoKey, units: Collection[str]) -> None:
        """Raises CatalogError."""
        found = catalog.project(key.project).units.of_video(key.video)
        self._named, self._known = frozenset(units), {unit.id: unit for unit in found}
        # A unit cancelled before counts too: that process may have died before it did the rest.
        off = [u for u in found if u.id in units]
        off = [u for u in off if not u.state.final or u.state is UnitState.CANCELLED]
        self._lost = {s for u in off if not _is_replaced(u, found) for s in _served(u)}
        # Those under way, oldest first.
        self.units = [unit for unit in found if not unit.state.final and self._contains(unit)]

    def _contains(self, unit: WorkUnit) -> bool:
        in_vain = unit.state.stage is not Stage.DOUBTED and _served(unit) <= self._lost
        return unit.id in self._named or in_vain

    def is_awaited_by(self, status: PhaseStatus) -> bool:
        """Return whether a phase is parked for one of the units."""
        unit = self._known.get(status.unit or "")
        if unit is None or status.state is not PhaseState.PARKED:
            return False
        mine = {served for served in _served(unit) if served[-1] is status.phase}
        return unit.id in self._named or bool(mine & self._lost)


def _served(unit: WorkUnit) -> set[_Served]:
    request = unit.request
    return {(request.provider, request.content, phase) for phase in request.phases}


def _is_replaced(unit: WorkUnit, found: Sequence[WorkUnit]) -> bool:
    """Return whether a later unit requests the same, such as with other options."""
    later = found[found.index(unit) + 1 :]
    return any(_served(unit) & _served(one) and _share_kinds(unit, one) for one in later)


def _share_kinds(unit: WorkUnit, other: WorkUnit) -> bool:
    one, two = unit.request.kinds, other.request.kinds
    return one == two or bool(set(one) & set(two))


def _report_phases(run: VideoRun, group: CancelGroup, because: str) -> None:
    """Report the phases that wait for these units, and those that now wait for nothing else."""
    report, statuses = Reporter(run), run.catalog.results.statuses(run.key.video)
    parked = [s for s in statuses.values() if s.state is PhaseState.PARKED]
    others = any(s.unit and not group.is_awaited_by(s) for s in parked)
    for status in parked:
        if group.is_awaited_by(status) or (not status.unit and not others):
            _report(report, status, because)


def _report(report: Reporter, status: PhaseStatus, because: str) -> None:
    report.tell(
        status.phase,
        PhaseState.CANCELLED,
        provider=status.provider,
        message=f"{because}; start a new run or backfill to request it again",
        unit=status.unit,
    )
