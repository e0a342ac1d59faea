"""The partition keys of removed, archived and restored videos.

A change is recorded in the catalogue as due, until it is done here. So a command that removes or
restores a video needs no Dagster.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import dagster as dg

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.defs.partitions import PARTITION_TAG, VIDEOS_NAME, add_videos
from video_pipeline.defs.ticks import within
from video_pipeline.domain.errors import CatalogUnavailable, PipelineError, StorageUnavailable
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.source import Due, Removal, VideoRecord
from video_pipeline.pipeline.arrivals.listing_sweep import Troubles
from video_pipeline.pipeline.arrivals.pending_runs import next_due
from video_pipeline.pipeline.arrivals.removal import Allowance, carry_out, finish
from video_pipeline.pipeline.services import Services

# For how many seconds a tick begins with another video: each may have runs to cancel.
_SECONDS_A_TICK = 10
_QUEUED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
_ACTIVE = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass
class Upkeep:
    """What one tick did: the changes done by kind, and how many are left for a later tick."""

    done: Counter[Due] = field(default_factory=Counter[Due])
    left: int = 0


def update_partitions(
    instance: dg.DagsterInstance, services: Services, allowance: Allowance, troubles: Troubles
) -> Upkeep:
    """Do what is due, projects in turn, until the time is up or a store does not respond.

    Raises CatalogUnavailable.
    """
    result = Upkeep()
    for what, record in within(_SECONDS_A_TICK, _all_due(services.catalog.each())):
        if allowance.late():
            return result
        try:
            done = _update(instance, services, record, allowance)
        except CatalogUnavailable:
            raise
        except PipelineError as error:
            # An error of one project does not stop the others; an unreachable store costs time.
            troubles[record.key.project] = str(error)
            if isinstance(error, StorageUnavailable):
                return result
            done = False
        result.done[what] += done
        result.left += not done
    return result


def _all_due(projects: Sequence[ProjectCatalog]) -> Iterator[tuple[Due, VideoRecord]]:
    for what in (Due.RESTORATION, Due.ARCHIVAL, Due.REMOVAL):
        yield from ((what, record) for record in next_due(projects, what))


def _update(
    instance: dg.DagsterInstance, services: Services, record: VideoRecord, allowance: Allowance
) -> bool:
    """Do what is due for one video, and return whether it is done.

    It is not while a run is active, which would write again what is deleted. Nor is it while more
    is left than one tick may delete, or if the video has arrived again.
    """
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
    policy = services.removal_of(record.key.project)
    if policy is Removal.DELETE:
        _drop(instance, record.key)
    return finish(arrivals, record, policy)


def _is_quiet(instance: dg.DagsterInstance, key: VideoKey) -> bool:
    """Cancel the video's queued runs, held ones too, and return whether no run is active.

    A queued run would send another request to a provider.
    """
    for run_id in _runs(instance, key, _QUEUED):
        instance.run_coordinator.cancel_run(run_id)
    return not _runs(instance, key, _ACTIVE)


def _drop(instance: dg.DagsterInstance, key: VideoKey) -> None:
    """Delete a video's key. Dagster shows its materializations again if the key is added again."""
    if instance.has_dynamic_partition(VIDEOS_NAME, str(key)):
        instance.delete_dynamic_partition(VIDEOS_NAME, str(key))


def _runs(
    instance: dg.DagsterInstance, key: VideoKey, statuses: list[dg.DagsterRunStatus]
) -> list[str]:
    of_video = dg.RunsFilter(statuses=statuses, tags={PARTITION_TAG: str(key)})
    return list(instance.get_run_ids(of_video))
