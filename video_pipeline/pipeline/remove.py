"""The removal of a video whose object is gone, as the policy in pipeline.yaml says.

It is due in the catalogue until all of it is done, and each step may be repeated: whoever is
killed in the middle is followed by another who begins again. Only what lies below the video's own
prefixes and under its own id is touched; the ledger of work units stays.
"""

from itertools import islice

from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.source import Removal, VideoRecord
from video_pipeline.domain.work import UnitFailure, UnitState, WorkUnit
from video_pipeline.pipeline.close import close
from video_pipeline.pipeline.services import Services

_BECAUSE = "the video was removed"
MOST_DELETED = 500
"""Objects that are deleted at once: a tick of the sensor has seconds, not minutes."""


def carry_out(services: Services, record: VideoRecord, most: int = MOST_DELETED) -> bool:
    """End the work that is under way for a removed video and, where the policy is to delete,
    everything that was made of it, at most so many objects: False where some are left.

    Raises StorageError, CatalogError; repeat it then.
    """
    _end_work(services, record.key)
    if services.removal_of(record.key.project) is not Removal.DELETE:
        return True
    outputs = services.outputs.project(record.key.project)
    for prefix in (record.key.prefix, record.key.raw_prefix):
        found = [one.key for one in islice(outputs.listing(prefix), most + 1)]
        for key in found[:most]:
            outputs.delete(key)
        if len(found) > most:
            return False
        most -= len(found)
    services.of(record.key.project).results.forget(record.key.video)
    return True


def finish(services: Services, record: VideoRecord) -> bool:
    """The partition is seen to as well: nothing is due any more, or only that it is archived.
    False where the video has arrived anew meanwhile."""
    half = services.of(record.key.project)
    policy = services.removal_of(record.key.project)
    if policy is Removal.DELETE:
        return half.arrivals.forget(record)
    if policy is Removal.ARCHIVE and record.removed_at:
        return half.arrivals.archive(record, record.removed_at)
    return half.arrivals.done(record)


def partition_goes(services: Services, key: VideoKey) -> bool:
    """Whether a removed video's partition goes with it."""
    return services.removal_of(key.project) is Removal.DELETE


def _end_work(services: Services, key: VideoKey) -> None:
    """Close every unit of a video that is gone: nothing stays open, also where its provider does
    not stop it or does not answer. What another holds the lease of is left to its holder."""
    units = services.of(key.project).units
    for unit in [one for one in units.of_video(key.video) if not one.state.ended]:
        close(services, key, unit.id, _BECAUSE)
        now = units.get(unit.id)
        if now and now.state is UnitState.RUNNING and now.holder is None:
            _cancel(services, now)


def _cancel(services: Services, unit: WorkUnit) -> None:
    """What was planned counts as used."""
    message = f"{_BECAUSE}: its provider could not be made to stop it"
    failure = UnitFailure(category=FailureCategory.CANCELLED, message=message)
    units = services.of(unit.request.key.project).units
    changes = {"ready": False, "settled": unit.planned, "failure": failure}
    units.move(unit, UnitState.CANCELLED, services.clock(), **changes)
