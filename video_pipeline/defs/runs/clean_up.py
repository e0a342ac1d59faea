"""The job that deletes old runs from Dagster's records, and its schedule, which is off at first."""

from datetime import timedelta

import dagster as dg
from pydantic import Field

from video_pipeline.dagster_api.old_runs import delete_old
from video_pipeline.defs.jobs import EXECUTOR
from video_pipeline.pipeline.services import now_utc


class CleanUpConfig(dg.Config):
    """The runs to delete."""

    older_than_days: int = Field(default=90, ge=0, description="Days since the end of a run.")
    limit: int = Field(default=10_000, ge=1, description="Delete at most this many runs.")
    preview: bool = Field(default=False, description="Count the runs, and delete nothing.")


@dg.op(
    out=dg.Out(dg.Nothing),
    description="Deletes old finished runs, except those whose results or failures partitions "
    "show. The log tells how many.",
)
def delete_old_runs(context: dg.OpExecutionContext, config: CleanUpConfig) -> None:
    """Delete the runs, the oldest first, and log how many were deleted and kept."""
    before = now_utc() - timedelta(days=config.older_than_days)
    deleted, kept = delete_old(context.instance, before, config.limit, dry_run=config.preview)
    told = "that would be deleted" if config.preview else "deleted"
    context.log.info(f"Runs {told}: {deleted}. Kept, because partitions show them: {kept}.")


@dg.job(
    executor_def=EXECUTOR,
    description="Deletes old runs from Dagster's records, as the command clean-up does. What "
    "partitions show stays.",
)
def clean_up() -> None:
    """Delete old runs in one step."""
    delete_old_runs()


clean_up_nightly = dg.ScheduleDefinition(
    name="clean_up_nightly",
    job=clean_up,
    cron_schedule="30 3 * * *",
    # Records are kept until a person decides otherwise.
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Deletes runs that ended 90 days ago or earlier, at 03:30 UTC. Off until started.",
)
