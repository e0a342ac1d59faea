"""What the jobs that act on one project share: their partition, and where their result is shown.

A job's result is an observation of the asset `project`. So it is found on the project's page and
on the run's, and not only in the event of a step's output.
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from video_pipeline.defs.asset_keys import PROJECT
from video_pipeline.defs.jobs import EXECUTOR
from video_pipeline.defs.partitions import PROJECT_TAG, PROJECTS
from video_pipeline.domain.errors import InputError


def project_job(description: str) -> Callable[[Callable[..., Any]], dg.JobDefinition]:
    """Return a decorator that makes a job of one project, whose id is the partition."""
    return dg.job(
        executor_def=EXECUTOR,
        partitions_def=PROJECTS,
        # A retry after its process died could launch a second time, and force pays each time.
        tags={"dagster/max_retries": "0"},
        description=description,
    )


def project_of(context: dg.OpExecutionContext) -> str:
    """Return the project of this run, and tag the run with it. Raises InputError without one."""
    if not context.has_partition_key:
        raise InputError(
            "no project is chosen",
            where=context.job_name,
            remedy="Choose the project's id as the partition in the launchpad.",
        )
    context.instance.add_run_tags(context.run_id, {PROJECT_TAG: context.partition_key})
    return context.partition_key


def show(context: dg.OpExecutionContext, result: Mapping[str, Any]) -> None:
    """Record the result of the job as an observation of its project."""
    seen = dg.AssetObservation(PROJECT, partition=context.partition_key, metadata=result)
    context.log_event(seen)
