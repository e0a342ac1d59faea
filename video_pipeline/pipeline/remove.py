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
from video_pipeline.storage.store import ProjectOutputs

_BATCH = 1000


def carry_out(services: Services, record: VideoRecord) -> None:
    """End the work that is under way for a removed video and, where the policy is to delete,
    everything that was made of it. Raises StorageError, CatalogError; repeat it then."""
    close_all(services, record.key)
    if services.removal_of(record.key.project) is Removal.DELETE:
        outputs = services.outputs.project(record.key.project)
        for prefix in (record.key.prefix, record.key.raw_prefix):
            _empty(outputs, prefix)
        services.of(record.key.project).results.forget(record.key.video)


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


def _empty(outputs: ProjectOutputs, prefix: str) -> None:
    """Delete what lies below a prefix, batch after batch: never all its keys at once."""
    while batch := [one.key for one in islice(outputs.listing(prefix), _BATCH)]:
        for key in batch:
            outputs.delete(key)
