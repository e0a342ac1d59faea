"""Giving up a unit in doubt, so that the next run makes its request again, and may pay again. What
was planned still counts as used.

Whether the provider took the request is for a person to find out, before.
"""

from video_pipeline.domain.errors import FailureCategory, InputError
from video_pipeline.domain.work import UnitFailure, UnitState, WorkUnit
from video_pipeline.pipeline.services import Services


def check_in_doubt(unit: WorkUnit) -> None:
    """Raise InputError unless the unit is in doubt."""
    if unit.state is not UnitState.IN_DOUBT:
        raise InputError(
            f"it is {unit.state}, not in doubt",
            where=unit.id,
            remedy="See `video-pipeline jobs --state in_doubt` for those that are.",
        )


def release(services: Services, unit: WorkUnit) -> WorkUnit:
    """The unit as failed. Raises InputError for one that is not in doubt."""
    check_in_doubt(unit)
    failure = UnitFailure(
        category=FailureCategory.CANCELLED, message="released by hand while in doubt"
    )
    units = services.of(unit.request.key.project).units
    changes = {"failure": failure, "settled": unit.planned}
    return units.move(unit, UnitState.FAILED, services.clock(), **changes)
