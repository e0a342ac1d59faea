"""Videos whose keys leave Dagster or come back: removed, archived and restored ones.

What else a removal means is a use case of the pipeline. That something is due stands in the
catalogue until it is done here, so that whoever asks for it needs no Dagster.
"""

from collections import Counter
from dataclasses import dataclass, field

import dagster as dg

from video_pipeline.defs.partitions import PARTITION_TAG, VIDEOS_NAME, add_videos
from video_pipeline.domain.errors import CatalogUnavailable, PipelineError, StorageUnavailable
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.source import Due, VideoRecord
from video_pipeline.pipeline.arrivals.listing_sweep import Troubles
from video_pipeline.pipeline.arrivals.pending_runs import next_due
from video_pipeline.pipeline.arrivals.removal import Allowance, carry_out, deletes_partition, finish
from video_pipeline.pipeline.services import Services

_WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
_AT_WORK = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass
class Keys:
    """What a tick did about keys."""

    seen_to: Counter[Due] = field(default_factory=Counter[Due])
    left: int = 0
    """A run of the video is at work, more is to be deleted, or there was trouble."""


def see_to_keys(
    instance: dg.DagsterInstance, services: Services, allowance: Allowance, troubles: Troubles
) -> Keys:
    """Carry out what is due, of the projects in turn, until it is late or a store does not answer.
    Raises CatalogUnavailable."""
    told = Keys()
    for what in (Due.RESTORATION, Due.ARCHIVAL, Due.REMOVAL):
        for record in next_due(services.catalog, what):
            if allowance.late():
                return told
            try:
                done = _see_to(instance, services, record, allowance)
            except CatalogUnavailable:
                raise
            except PipelineError as error:
                # One project's trouble never stops the others, but for time.
                troubles[record.key.project] = str(error)
                if isinstance(error, StorageUnavailable):
                    return told
                done = False
            told.seen_to[what] += done
            told.left += not done
    return told


def _see_to(
    instance: dg.DagsterInstance, services: Services, record: VideoRecord, allowance: Allowance
) -> bool:
    """False while a run is at work, which would write what has just been deleted, while more is
    left to be deleted than a tick may, and where the video has arrived anew."""
    arrivals = services.of(record.key.project).arrivals
    if record.due is Due.RESTORATION:
        add_videos(instance, [record.key])
        return arrivals.done(record)
    if not _is_quiet(instance, record.key):
        return False
    if record.due is Due.ARCHIVAL:
        _drop(instance, record.key)
        return arrivals.done(record)
    if not carry_out(services, record, allowance):
        return False
    if deletes_partition(services, record.key):
        _drop(instance, record.key)
    return finish(services, record)


def _is_quiet(instance: dg.DagsterInstance, key: VideoKey) -> bool:
    """Whether no run of the video is at work. Runs that wait are cancelled, held ones too: they
    would ask a provider once more."""
    for run_id in _runs(instance, key, _WAITING):
        instance.run_coordinator.cancel_run(run_id)
    return not _runs(instance, key, _AT_WORK)


def _drop(instance: dg.DagsterInstance, key: VideoKey) -> None:
    """Take a video's key out; what was materialized of it is shown again if the key comes back."""
    if instance.has_dynamic_partition(VIDEOS_NAME, str(key)):
        instance.delete_dynamic_partition(VIDEOS_NAME, str(key))


def _runs(
    instance: dg.DagsterInstance, key: VideoKey, statuses: list[dg.DagsterRunStatus]
) -> list[str]:
    of_video = dg.RunsFilter(statuses=statuses, tags={PARTITION_TAG: str(key)})
    return list(instance.get_run_ids(of_video))
