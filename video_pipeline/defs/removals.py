"""Removals and archiving in Dagster: a video's partition and its runs go.

What else a removal means is a use case of the pipeline.
"""

from dataclasses import dataclass

import dagster as dg

from video_pipeline.defs.partitions import PARTITION_TAG, VIDEOS_NAME
from video_pipeline.domain.errors import CatalogUnavailable, PipelineError
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.source import Due, VideoRecord
from video_pipeline.pipeline.remove import carry_out, finish, partition_goes
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep import Troubles

MOST = 20
"""Removals a tick and project; the others stay due."""

_WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
_AT_WORK = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass
class Removals:
    """What a tick did about removals."""

    done: int = 0
    left: int = 0
    """A run of the video is at work, or there was trouble."""


def remove_due(instance: dg.DagsterInstance, services: Services, troubles: Troubles) -> Removals:
    """Carry out the removals that are due, some of each project. Raises CatalogUnavailable."""
    told = Removals()
    for project in services.catalog.projects():
        for record in services.of(project).arrivals.due(Due.REMOVAL, MOST):
            try:
                removed = _remove(instance, services, record)
            except CatalogUnavailable:
                raise
            except PipelineError as error:
                troubles[project], removed = str(error), False
            told.done, told.left = told.done + removed, told.left + (not removed)
    return told


def drop_partition(instance: dg.DagsterInstance, key: VideoKey) -> None:
    """Take a video's key out; what was materialized of it is shown again if the key comes back."""
    if instance.has_dynamic_partition(VIDEOS_NAME, str(key)):
        instance.delete_dynamic_partition(VIDEOS_NAME, str(key))


def has_run(instance: dg.DagsterInstance, key: VideoKey) -> bool:
    """Whether a run of the video waits or is at work."""
    return bool(_runs(instance, key, [*_WAITING, *_AT_WORK]))


def _remove(instance: dg.DagsterInstance, services: Services, record: VideoRecord) -> bool:
    """False while a run is at work: it would write what has just been deleted. Runs that wait
    are cancelled, held ones too: they would ask a provider once more."""
    for run_id in _runs(instance, record.key, _WAITING):
        instance.run_coordinator.cancel_run(run_id)
    if _runs(instance, record.key, _AT_WORK):
        return False
    carry_out(services, record)
    if partition_goes(services, record.key):
        drop_partition(instance, record.key)
    return finish(services, record)


def _runs(
    instance: dg.DagsterInstance, key: VideoKey, statuses: list[dg.DagsterRunStatus]
) -> list[str]:
    of_video = dg.RunsFilter(statuses=statuses, tags={PARTITION_TAG: str(key)})
    return list(instance.get_run_ids(of_video))
