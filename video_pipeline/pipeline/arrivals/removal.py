"""The removal of a video whose object is gone, as the policy in pipeline.yaml says.

It is due in the catalogue until all of it is done, and each step may be repeated: whoever is
killed in the middle is followed by another who begins again. Only what lies below the video's own
prefixes and under its own id is touched; the ledger of work units stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.source import Removal, VideoRecord
from video_pipeline.domain.work import UnitFailure, UnitState, WorkUnit
from video_pipeline.pipeline.jobs.close import close
from video_pipeline.pipeline.services import Services

_BECAUSE = "the video was removed"
MOST_DELETED = 500
"""Objects that are deleted in one round: a tick of the sensor has seconds, not minutes."""
_PORTION = 20
"""Objects that are deleted between two looks at the record."""


@dataclass
class Allowance:
    """What one round may still do about removals, those of all projects together."""

    deletions: int = MOST_DELETED
    late: Callable[[], bool] = lambda: False

    @property
    def is_spent(self) -> bool:
        return self.deletions <= 0 or self.late()


def carry_out(services: Services, record: VideoRecord, allowance: Allowance) -> bool:
    """End the work that is under way for a removed video and, where the policy is to delete,
    everything that was made of it, as far as the allowance goes.

    False where some is left, and where the video is not any more what was recorded: it has
    arrived anew, and what lies there may be its own. Raises StorageError, CatalogError; repeat it
    then.
    """
    if not _end_work(services, record, allowance):
        return False
    if services.removal_of(record.key.project) is not Removal.DELETE:
        return True
    if not (_delete(services, record, allowance) and _is_as_recorded(services, record)):
        return False
    services.of(record.key.project).results.forget(record.key.video)
    return True


def _is_as_recorded(services: Services, record: VideoRecord) -> bool:
    now = services.of(record.key.project).videos.get(record.key.video)
    return now is not None and _arrival(now) == _arrival(record)


def _arrival(record: VideoRecord) -> tuple[object, ...]:
    return record.arrived_at, record.removed_at, record.due


def _delete(services: Services, record: VideoRecord, allowance: Allowance) -> bool:
    """Whether all outputs and raw answers are gone."""
    outputs = services.outputs.project(record.key.project)
    for prefix in (record.key.prefix, record.key.raw_prefix):
        while portion := [one.key for one in islice(outputs.listing(prefix), _PORTION)]:
            if allowance.is_spent or not _is_as_recorded(services, record):
                return False
            for key in portion[: allowance.deletions]:
                outputs.delete(key)
                allowance.deletions -= 1
    return True


def finish(services: Services, record: VideoRecord) -> bool:
    """The partition is seen to as well: nothing is due any more, or only that it is archived.
    False where the video has arrived anew meanwhile."""
    half = services.of(record.key.project)
    policy = services.removal_of(record.key.project)
    if policy is Removal.DELETE:
        return half.arrivals.forget(record)
    at = record.archived_at or (record.removed_at if policy is Removal.ARCHIVE else None)
    return half.arrivals.archive(record, at) if at else half.arrivals.done(record)


def partition_goes(services: Services, key: VideoKey) -> bool:
    """Whether a removed video's partition goes with it."""
    return services.removal_of(key.project) is Removal.DELETE


def _end_work(services: Services, record: VideoRecord, allowance: Allowance) -> bool:
    """Close every unit of a video that is gone: nothing stays open, also where its provider does
    not stop it or does not answer. What another holds the lease of is left to its holder, until a
    later round. False where some is left."""
    units, whole = services.of(record.key.project).units, True
    for unit in [one for one in units.of_video(record.key.video) if not one.state.ended]:
        if allowance.late() or not _is_as_recorded(services, record):
            return False
        close(services, record.key, unit.id, _BECAUSE)
        now = units.get(unit.id)
        if now and not now.state.ended and now.holder is not None:
            whole = False
        elif now and now.state is UnitState.RUNNING:
            _cancel(services, now)
    return whole


def _cancel(services: Services, unit: WorkUnit) -> None:
    """What was planned counts as used."""
    message = f"{_BECAUSE}: its provider could not be made to stop it"
    failure = UnitFailure(category=FailureCategory.CANCELLED, message=message)
    units = services.of(unit.request.key.project).units
    changes = {"ready": False, "settled": unit.planned, "failure": failure}
    units.move(unit, UnitState.CANCELLED, services.clock(), **changes)
