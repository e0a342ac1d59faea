"""Cancelling what was parked, or what a terminated run left behind: its jobs are stopped where the
provider can, else marked.

The phases then stand as cancelled. Where a provider does not answer, the sweep of complete.py asks
it again to stop. What a marked job comes to is counted, and kept for the next
run that asks for it; it starts nothing by itself.
"""

from collections.abc import Collection, Iterator

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseStatus
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.cancel_group import Together
from video_pipeline.pipeline.jobs.close import close
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.services import Services


class Cancelled(Frozen):
    """What became of a work unit."""

    unit: WorkUnit
    """As it stands now: unwanted, if it still runs and nobody else waits for it."""

    @property
    def told(self) -> str:
        """In words, for a person."""
        if self.unit.state is UnitState.RUNNING:
            if self.unit.unwanted:
                return "its provider has not stopped it: its result is counted, and starts nothing"
            return "it runs on: another run waits for it, or its own has not ended yet"
        if self.unit.state in (UnitState.INTENT, UnitState.SUBMITTING):
            return "a run is at work on it right now: terminate that run, or try again after it"
        return self.unit.failure.message if self.unit.failure else str(self.unit.state)


def cancel(
    services: Services, key: VideoKey, units: Collection[str], because: str
) -> list[Cancelled]:
    """Cancel these work units of a video, the phases that wait for them, and the other units that
    serve only those. Repeatable."""
    lost = Together(services, key, units)
    found = [one for unit in lost.units for one in _cancel(services, key, unit.id, because)]
    _tell(services, key, lost, because)
    return found


def _cancel(services: Services, key: VideoKey, unit_id: str, because: str) -> Iterator[Cancelled]:
    ledger = services.of(key.project).units
    unit = ledger.get(unit_id)
    if unit is None or unit.state.ended or unit.request.key != key:
        return
    let_go(services, unit, because)
    now = ledger.get(unit_id)
    if now is not None:
        yield Cancelled(unit=now)


def let_go(services: Services, unit: WorkUnit, because: str) -> None:
    """Nobody waits for a unit any more. What it comes to is kept, and starts nothing."""
    key = unit.request.key
    close(services, key, unit.id, because)
    services.of(key.project).units.set_unwanted(unit.id, True)  # if it still runs


def cancel_run(
    services: Services, key: VideoKey, run_id: str, because: str, *, kept: Collection[str] = ()
) -> bool:
    """Cancel what a run that was terminated was at work on, but for the units that are kept; False
    where its leases have not run out yet, so that it must be tried again."""
    project = services.of(key.project)
    statuses = project.results.statuses(key.video).values()
    left = [s for s in statuses if s.run_id == run_id and s.state is PhaseState.RUNNING]
    begun = {status.unit for status in left if status.unit} - {*kept}
    units = [unit.id for unit in Together(services, key, begun).units if unit.id not in kept]
    ended = [one for unit in units for one in _cancel(services, key, unit, because)]
    if any(one.unit.state in (UnitState.INTENT, UnitState.SUBMITTING) for one in ended):
        return False
    for status in left:
        _tell_of(Reporter(services, key, run_id), status, because)
    return True


def _tell(services: Services, key: VideoKey, lost: Together, because: str) -> None:
    """The phases that wait for these units, and those that wait for nothing else any more."""
    report = Reporter(services, key, "")
    statuses = services.of(key.project).results.statuses(key.video)
    parked = [s for s in statuses.values() if s.state is PhaseState.PARKED]
    others = any(s.unit and not lost.is_awaited_by(s) for s in parked)
    for status in parked:
        if lost.is_awaited_by(status) or (not status.unit and not others):
            _tell_of(report, status, because)


def _tell_of(report: Reporter, status: PhaseStatus, because: str) -> None:
    report.tell(
        status.phase,
        PhaseState.CANCELLED,
        provider=status.provider,
        message=f"{because}; ask for it again by a new run or backfill",
        unit=status.unit,
    )
