"""The sensor of lost retries: runs that Dagster would have made again, and could not.

Dagster's daemon tries that once. Where no code server answers just then, as while one is started in
the place of one that died, it marks the run as one that is not made again. This sensor runs in a
code server: it ticks once there is one.

And the daemon passes over a run whose failure it reads in the event log before the run itself is
noted as failed. Such a run stands for ever as one that will be made again, and holds its backfill
open: it is made again here once the daemon has had time enough.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid5

import dagster as dg
from dagster._core.events import RunFailureReason
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.execution.retries import auto_reexecution_should_retry_run

from video_pipeline.dagster_api.tags import KEPT_TAGS
from video_pipeline.defs.jobs import road

INTERVAL_SECONDS = 30
_LOOK_BACK = timedelta(hours=6)
PASSED_OVER = timedelta(minutes=2)
"""How long ago a run failed that the daemon, which looks every five seconds, would have made."""
_WILL_RETRY_TAG, _RETRY_TAG = "dagster/will_retry", "dagster/auto_retry_run_id"
"""Dagster's own: "true" from the failure on where a run is to be made again, and the run that is
made in its place, for which a backfill waits."""
_REASON_TAG, _BACKFILL_TAG = "dagster/failure_reason", "dagster/backfill"
_CANCELLED = (BulkActionStatus.CANCELED, BulkActionStatus.CANCELING)


@dg.sensor(
    job=road,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Makes runs again that Dagster would have made again, and could not.",
)
def lost_retries(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Queue what was lost, each once. A run is made in its own backfill, which a request of a
    sensor cannot say."""
    made = [_again(context, run) for run in _lost(context.instance)]
    return dg.SkipReason(f"{len(made)} runs made again that Dagster could not")


def _lost(instance: dg.DagsterInstance) -> Iterator[dg.DagsterRun]:
    now = datetime.now(UTC)
    for will_retry, until in (("false", None), ("true", now - PASSED_OVER)):
        failed = dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.FAILURE],
            tags={_WILL_RETRY_TAG: will_retry},
            updated_after=now - _LOOK_BACK,
            updated_before=until,
        )
        yield from filter(partial(_is_lost, instance), instance.get_runs(failed))


def _is_lost(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    told = run.tags.get(_REASON_TAG)
    return (
        run.remote_job_origin is not None
        and _RETRY_TAG not in run.tags
        and not instance.has_run(_next_id(run))
        and auto_reexecution_should_retry_run(
            instance, run, RunFailureReason(told) if told else None
        )
        and not _was_cancelled(instance, run)
    )


def _was_cancelled(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    name = run.tags.get(_BACKFILL_TAG)
    backfill = instance.get_backfill(name) if name else None
    return backfill is not None and backfill.status in _CANCELLED


def _next_id(run: dg.DagsterRun) -> str:
    return str(uuid5(UUID(run.run_id), "made again"))


def _again(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> None:
    assert context.repository_def is not None
    root = run.root_run_id or run.run_id
    counted = {"dagster/root_run_id": root, "dagster/parent_run_id": run.run_id}
    again = context.instance.create_run_for_job(
        context.repository_def.get_job(run.job_name),
        run_id=_next_id(run),
        run_config=run.run_config,
        asset_selection=run.asset_selection,
        tags=counted | {key: value for key, value in run.tags.items() if key in KEPT_TAGS},
        root_run_id=root,
        parent_run_id=run.run_id,
        remote_job_origin=run.remote_job_origin,
        job_code_origin=run.job_code_origin,
    )
    context.instance.report_dagster_event(dg.DagsterEvent.job_enqueue(again), run_id=again.run_id)
    context.instance.add_run_tags(run.run_id, {_RETRY_TAG: again.run_id})
    context.log.info(f"run {run.run_id} is made again as {again.run_id}")
