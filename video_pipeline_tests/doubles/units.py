"""Bring a work unit to a state, by the transitions of the ledger."""

from datetime import datetime
from fractions import Fraction

from video_pipeline.catalog.units import Units
from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.work import (
    Stage,
    UnitFailure,
    UnitState,
    Wait,
    WaitKind,
    WorkUnit,
)

FULL = Wait(kind=WaitKind.SLOT, scope="cloud", limit=20)
"""The wait for one of 20 slots."""
BROKE = UnitFailure(category=FailureCategory.PROVIDER_FAILED, message="it broke")


def bring_to(
    units: Units,
    unit: WorkUnit,
    state: UnitState,
    at: datetime,
    *,
    job: str = "job-7",
    poll_at: datetime | None = None,
    used: tuple[Usage, ...] = (),
) -> WorkUnit:
    """Return a planned unit in this state. A unit that is over had a job."""
    if state is UnitState.PLANNED:
        return unit
    if state is UnitState.QUEUED:
        assert units.queue(unit.id, FULL, "pool", Fraction(0), at)
    elif state is UnitState.ADMITTED:
        assert units.hand_over(unit.id, at)
    else:
        unit = units.begin(unit, at, parked=state is UnitState.UNANSWERED)
        _after_request(units, unit, state, at, job, poll_at or at, used)
    found = units.get(unit.id)
    assert found is not None and found.state is state
    return found


def _after_request(
    units: Units,
    unit: WorkUnit,
    state: UnitState,
    at: datetime,
    job: str,
    poll_at: datetime,
    used: tuple[Usage, ...],
) -> None:
    if state is UnitState.RETURNED:
        assert units.hand_over(unit.id, at)
    elif state is UnitState.IN_DOUBT:
        units.finish(unit, state, at, used=unit.planned)
    elif state.stage in (Stage.ACCEPTED, Stage.OVER):
        unit = units.accept(unit, job, at, poll_at)
        if state is UnitState.ENDED:
            assert units.end(unit.id, at)
        elif state is UnitState.UNFETCHED:
            units.fetch_later(unit.id, poll_at, "no answer.")
        elif state.final:
            failure = None if state is UnitState.SETTLED else BROKE
            units.finish(unit, state, at, used=used, failure=failure)
