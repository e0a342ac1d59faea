"""The removal of a video whose object is gone, as the policy in pipeline.yaml says.

It is due in the catalogue until all of it is done, and each step may be repeated: whoever is
killed in the middle is followed by another who begins again. Only what lies below the video's own
prefixes and under its own id is touched; the ledger of work units stays.
"""

from itertools import islice

from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.source import Removal, VideoRecord
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.supersede import close_all

MOST_DELETED = 500
"""Objects that are deleted at once: a tick of the sensor has seconds, not minutes."""


def carry_out(services: Services, record: VideoRecord, most: int = MOST_DELETED) -> bool:
    """End the work that is under way for a removed video and, where the policy is to delete,
    everything that was made of it, at most so many objects: False where some are left.

    Raises StorageError, CatalogError; repeat it then.
    """
    close_all(services, record.key)
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
