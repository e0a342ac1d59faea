"""The sensor of completions: work goes on whose provider's job has ended.

What ended is asked of the ledger at every tick, until a run has consumed it: nothing is lost with
a tick, a run or an event.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

import dagster as dg

from video_pipeline.defs.deployment import Deployment
from video_pipeline.defs.held import continuation, release, waiting
from video_pipeline.defs.jobs import road
from video_pipeline.defs.partitions import PARTITION_TAG, video_tags
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.complete import sweep
from video_pipeline.pipeline.services import Services

INTERVAL_SECONDS = 5
TRIES = 5
"""Runs that are requested for one ended unit, at most."""

UNIT_TAG = "video_pipeline/unit"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.MANAGED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    job=road,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Lets held runs go whose provider's job has ended, or requests a run.",
)
def completions(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Deployment]
) -> dg.SensorResult | dg.SkipReason:
    """Look up overdue jobs once, and see to every video with an ended one."""
    pipeline.renew()
    try:
        ready = sweep(pipeline.services, datetime.now(UTC))
        held = waiting(context.instance)
        idle = {key for key in held if not _under_way(pipeline.services, key)}
    except CatalogUnavailable as error:
        pipeline.close()
        return dg.SkipReason(str(error))
    freed = [run for key in {str(u.request.key) for u in ready} | idle for run in held.get(key, ())]
    release(context.instance, freed)
    requests = list(_requests(context.instance, ready, held))
    told = f"{len(ready)} jobs ended, {len(freed)} held runs let go, {len(held)} videos were held"
    if not requests:
        return dg.SkipReason(told)
    context.log.info(told)
    return dg.SensorResult(run_requests=requests)


def _under_way(services: Services, partition: str) -> bool:
    """Whether a job of this video still runs; if not, nothing will ever release its runs."""
    key = VideoKey.parse(partition)
    units = services.of(key.project).units.of_video(key.video)
    return any(unit.state is UnitState.RUNNING for unit in units)


def _requests(
    instance: dg.DagsterInstance, ready: Collection[WorkUnit], held: Collection[str]
) -> Iterator[dg.RunRequest]:
    """A run for each ended unit whose video has none that will consume it."""
    for unit in ready:
        key = unit.request.key
        if str(key) in held or _has_unfinished(instance, str(key)):
            continue
        tried = instance.get_runs_count(dg.RunsFilter(tags={UNIT_TAG: unit.id}))
        if tried < TRIES:
            yield dg.RunRequest(
                run_key=f"{unit.id}:{tried}",
                partition_key=str(key),
                asset_selection=sorted(continuation(unit.request.phases)),
                tags=video_tags(key) | {UNIT_TAG: unit.id},
            )


def _has_unfinished(instance: dg.DagsterInstance, partition: str) -> bool:
    mine = dg.RunsFilter(statuses=_UNFINISHED, tags={PARTITION_TAG: partition})
    return bool(instance.get_run_ids(mine, limit=1))
