"""The sensor of completions: work goes on whose provider's job has ended.

What ended is asked of the ledger at every tick, until a run has consumed it: nothing is lost with
a tick, a run or an event.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import dagster as dg

from video_pipeline.defs.cancellations import (
    IsCancelled,
    call_off,
    see_to_cancelled,
    see_to_terminated,
    was_cancelled,
)
from video_pipeline.defs.deployment import Deployment
from video_pipeline.defs.held import continuation, is_cancelled, release, waiting
from video_pipeline.defs.jobs import road
from video_pipeline.defs.partitions import (
    PARTITION_TAG,
    TRY_PROJECT,
    VIDEOS_NAME,
    add_videos,
    video_tags,
)
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.phases import step_name
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.complete import make_round
from video_pipeline.pipeline.services import Services
from video_pipeline.webserver.held import Held
from video_pipeline.webserver.tags import HELD_TAG, WAITING

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
        services = pipeline.services
        called_off = cache(partial(is_cancelled, context.instance))  # each looked up once a tick
        call_off(services, called_off, waiting(context.instance))
        round_ = make_round(services, datetime.now(UTC))
        ready: Collection[WorkUnit] = round_.ready
        held = [run for run in waiting(context.instance) if not called_off(run.backfill)]
        freed = [run.run_id for run in held if _may_go(services, run)]
        release(context.instance, freed)
        ended = see_to_cancelled(context.instance, services, called_off, held)
        see_to_terminated(context.instance, services, called_off, held)
        still = {unit for run in held if run.run_id not in freed for unit in run.units}
        ready = [unit for unit in ready if unit.id not in ended | still]
        requests = list(_requests(context.instance, services, called_off, ready))
    except CatalogUnavailable as error:
        pipeline.close()
        return dg.SkipReason(str(error))
    told = f"{len(ready)} jobs ended, {len(freed)} of {len(held)} held runs let go"
    told += f", {round_.submitted} requests made" if round_.submitted else ""
    told += f", {round_.waiting} wait for their turn" if round_.waiting else ""
    told += f", {len(ended)} jobs of cancelled backfills ended" if ended else ""
    if not requests:
        return dg.SkipReason(told)
    context.log.info(told)
    return dg.SensorResult(run_requests=requests)


def _may_go(services: Services, held: Held) -> bool:
    """Whether one of the run's phases waits for no unit any more, as their jobs have ended or the
    run shall ask by itself; or whether none is left to wait for."""
    key = held.key
    if key is None:
        return False
    units = services.of(key.project).units
    if held.units:
        found = [units.get(unit) for unit in held.units]
        waiting_for = [unit for unit in found if unit and _is_under_way(unit)]
        open_phases = {phase for unit in waiting_for for phase in unit.request.phases}
        ended = [unit for unit in found if unit not in waiting_for]
        return any(unit is None or set(unit.request.phases) - open_phases for unit in ended)
    left = [u for u in units.of_video(key.video) if u.parked or u.ready]
    return not left or any(unit.ready for unit in left)


def _is_under_way(unit: WorkUnit) -> bool:
    return unit.parked and not unit.ready


def _requests(
    instance: dg.DagsterInstance,
    services: Services,
    called_off: IsCancelled,
    ready: Collection[WorkUnit],
) -> Iterator[dg.RunRequest]:
    """A run for each ended unit whose video has none on its way that will consume it."""
    for unit in ready:
        key = unit.request.key
        if _has_run_on_its_way(instance, str(key)):
            continue
        if was_cancelled(instance, services, called_off, unit):
            continue
        tried = instance.get_runs_count(dg.RunsFilter(tags={UNIT_TAG: unit.id}))
        if tried < TRIES and _is_partition(instance, key):
            yield dg.RunRequest(
                run_key=f"{unit.id}:{tried}",
                partition_key=str(key),
                asset_selection=sorted(continuation(unit.request.phases)),
                run_config=_config(services, unit),
                tags=video_tags(key) | {UNIT_TAG: unit.id},
            )


def _has_run_on_its_way(instance: dg.DagsterInstance, partition: str) -> bool:
    """Whether a run of the video is not finished, and does not wait for another job."""
    mine = dg.RunsFilter(statuses=_UNFINISHED, tags={PARTITION_TAG: partition})
    return any(run.tags.get(HELD_TAG) != WAITING for run in instance.get_runs(mine))


def _is_partition(instance: dg.DagsterInstance, key: VideoKey) -> bool:
    """Whether a run can be requested. One partition that Dagster does not know would fail the
    tick, for all projects: it is added again."""
    if instance.has_dynamic_partition(VIDEOS_NAME, str(key)):
        return True
    if key.project == TRY_PROJECT:
        return False
    add_videos(instance, [key])
    return True


def _config(services: Services, unit: WorkUnit) -> dict[str, Any]:
    """Asks whoever has the job, where pipeline.yaml asks somebody else first: the run that
    submitted it was told so, or another had failed. Else the order of fallbacks stays."""
    request, steps = unit.request, dict[str, Any]()
    for phase in request.phases:
        first = services.choices.of(request.key.project, phase).providers[:1]
        if request.provider in services.plugins and first != (request.provider,):
            step = steps.setdefault(step_name(phase), {"config": {"providers": {}}})
            step["config"]["providers"][phase.value] = request.provider
    return {"ops": steps} if steps else {}
