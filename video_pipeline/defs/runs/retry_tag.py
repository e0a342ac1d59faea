"""The mark on runs that Dagster retries although a step failed.

By dagster.yaml Dagster retries a run whose process died, and none whose step failed: a phase's
retries are the phase service's. An outage of MongoDB or a full disk is no fault of the video. A run
that failed by these is marked, and is retried as if its process had died.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import dagster as dg

from video_pipeline.defs.runs.step_failure import step_failure
from video_pipeline.domain.errors import PipelineError

# Dagster's own tag: `RETRY_ON_ASSET_OR_OP_FAILURE_TAG` of its storage tags.
AGAIN_TAG = "dagster/retry_on_asset_or_op_failure"

Compute = Callable[..., Iterator[Any]]


def allow_retry(context: dg.AssetExecutionContext) -> None:
    """Let Dagster retry this run, up to its number of retries."""
    context.instance.add_run_tags(context.run.run_id, {AGAIN_TAG: "true"})


def retried(compute: Compute) -> Compute:
    """Return a step that tells its own errors, and whose run is retried where they pass."""

    @wraps(compute)
    def step(context: dg.AssetExecutionContext, *given: Any, **named: Any) -> Iterator[Any]:
        try:
            yield from compute(context, *given, **named)
        except PipelineError as error:
            if error.passes:
                allow_retry(context)
            raise step_failure(str(error)) from error

    return step
