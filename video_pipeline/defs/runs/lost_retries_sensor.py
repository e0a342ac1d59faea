"""The sensor of lost retries: it queues the runs that Dagster should have retried, and did not.

Dagster 1.13.27 decides natively whether a run is retried, and sets the tag `dagster/will_retry`.
Its daemon retries none in a cancelled, ended or deleted backfill. Three races are left:
- The daemon tries once. If no code server responds then, as after a crash, it sets the tag to
  "false". This sensor runs in a code server: it ticks once there is one.
- Dagster stores the event of a failure before the run's status. If the daemon reads the event in
  between, it skips the run for good. The tag stays "true", which keeps the backfill open.
- The daemon cannot retry a run whose job was renamed or that selects an asset which is gone, and
  the queue fails a queued one. The run of a video continues as a run of today's job and assets.
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
    is_outdated,
    kept_tags,
    replacement_id,
    requeue,
)
from video_pipeline.defs.ticks import running_sensor

INTERVAL_SECONDS = 30
_LOOK_BACK = timedelta(hours=6)
# The daemon looks every five seconds: after this time it has skipped a run.
PASSED_OVER = timedelta(minutes=2)
# Dagster's own tags: whether a failed run is retried, and why it failed.
_WILL_RETRY_TAG = "dagster/will_retry"
_REASON_TAG = "dagster/failure_reason"


@running_sensor(
    job=ingest_video,
    minimum_interval_seconds=INTERVAL_SECONDS,
    description="Queues runs that Dagster should have retried, and did not.",
)
def lost_retries(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Queue each lost run once.

    The runs are made here because a sensor's run request cannot name a backfill.
    """
    instance, repository = context.instance, context.repository_def
    assert repository is not None
    count = 0
    for run in _lost(instance, repository):
        root = run.root_run_id or run.run_id
        made = requeue(
            instance,
            repository,
            run,
            run_id=replacement_id(run),
            asset_selection=run.asset_selection,
            tags={
                "dagster/root_run_id": root,
                "dagster/parent_run_id": run.run_id,
                **kept_tags(run),
            },
        )
        instance.add_run_tags(run.run_id, {REPLACED_BY_TAG: made.run_id})
        count += 1
        context.log.info(f"run {run.run_id} is retried as {made.run_id}")
    return dg.SkipReason(f"{count} lost runs queued again")


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
        gone = is_outdated(repository, run)
        skipped = record.update_timestamp <= now - PASSED_OVER
        lost = gone or skipped or run.tags[_WILL_RETRY_TAG] == "false"
        # A run that the queue could not launch does not count as a try.
        never_began = gone and record.start_time is None
        if not lost or not _can_be_queued(instance, repository, run):
            continue
        if never_began or _has_tries_left(instance, run):
            yield run


def _can_be_queued(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, run: dg.DagsterRun
) -> bool:
    """Return whether the run was not replaced yet, and its job or today's can be run."""
    return (
        run.remote_job_origin is not None
        and REPLACED_BY_TAG not in run.tags
        and (repository.has_job(run.job_name) or is_outdated(repository, run))
        and not instance.has_run(replacement_id(run))
        and not is_cancelled(instance, run.tags.get(BACKFILL_TAG))
    )


def _has_tries_left(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    tag = run.tags.get(_REASON_TAG)
    reason = RunFailureReason(tag) if tag else None
    return auto_reexecution_should_retry_run(instance, run, reason)
