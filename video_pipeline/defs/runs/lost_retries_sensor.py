"""The sensor of lost retries: runs that Dagster would have made again, and could not.

Dagster's daemon tries that once. Where no code server answers just then, as while one is started in
the place of one that died, it marks the run as one that is not made again. This sensor runs in a
code server: it ticks once there is one.

And the daemon passes over a run whose failure it reads in the event log before the run itself is
noted as failed. Such a run stands for ever as one that will be made again, and holds its backfill
open: it is made again here once the daemon has had time enough.

The daemon can also not retry a run whose job was renamed, and the queue fails one that it would
launch. Such a run of a video is made again under the job's name of today.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

# The decision by which Dagster's daemon retries a run, so that both decide alike; verified with
# dagster 1.13.27, which exports neither name. Ends when the daemon retries these runs itself.
from dagster._core.events import RunFailureReason
from dagster._core.execution.retries import auto_reexecution_should_retry_run

from video_pipeline.dagster_api.tags import BACKFILL_TAG
from video_pipeline.defs.jobs import ingest_video
from video_pipeline.defs.runs.requeue import (
    REPLACED_BY_TAG,
    is_cancelled,
    job_is_gone,
    kept_tags,
    replacement_id,
    requeue,
)

INTERVAL_SECONDS = 30
_LOOK_BACK = timedelta(hours=6)
PASSED_OVER = timedelta(minutes=2)
"""How long ago a run failed that the daemon, which looks every five seconds, would have made."""
_WILL_RETRY_TAG = "dagster/will_retry"
"""Dagster's own: "true" from the failure on where a run is to be made again."""
_REASON_TAG = "dagster/failure_reason"


@dg.sensor(
    job=ingest_video,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Makes runs again that Dagster would have made again, and could not.",
)
def lost_retries(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Queue what was lost, each once. A run is made in its own backfill, which a request of a
    sensor cannot say."""
    assert context.repository_def is not None
    made = [_again(context, run) for run in _lost(context.instance, context.repository_def)]
    return dg.SkipReason(f"{len(made)} runs made again that Dagster could not")


def _lost(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[dg.DagsterRun]:
    now = datetime.now(UTC)
    failed = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.FAILURE],
        tags={_WILL_RETRY_TAG: ["true", "false"]},
        updated_after=now - _LOOK_BACK,
    )
    for record in instance.get_run_records(failed):
        run = record.dagster_run
        gone = job_is_gone(repository, run)
        passed_over = record.update_timestamp <= now - PASSED_OVER
        left = gone or passed_over or run.tags[_WILL_RETRY_TAG] == "false"
        # A run that the queue could not launch was no try: those left are not asked for.
        never_began = gone and record.start_time is None
        if not left or not _can_be_made(instance, repository, run):
            continue
        if never_began or _has_tries_left(instance, run):
            yield run


def _can_be_made(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, run: dg.DagsterRun
) -> bool:
    """Return whether the run was not made again yet, and its job or today's can be run."""
    return (
        run.remote_job_origin is not None
        and REPLACED_BY_TAG not in run.tags
        and (repository.has_job(run.job_name) or job_is_gone(repository, run))
        and not instance.has_run(replacement_id(run))
        and not is_cancelled(instance, run.tags.get(BACKFILL_TAG))
    )


def _has_tries_left(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    told = run.tags.get(_REASON_TAG)
    reason = RunFailureReason(told) if told else None
    return auto_reexecution_should_retry_run(instance, run, reason)


def _again(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> None:
    assert context.repository_def is not None
    root = run.root_run_id or run.run_id
    counted = {"dagster/root_run_id": root, "dagster/parent_run_id": run.run_id}
    again = requeue(
        context.instance,
        context.repository_def,
        run,
        run_id=replacement_id(run),
        asset_selection=run.asset_selection,
        tags=counted | kept_tags(run),
    )
    context.instance.add_run_tags(run.run_id, {REPLACED_BY_TAG: again.run_id})
    context.log.info(f"run {run.run_id} is made again as {again.run_id}")
