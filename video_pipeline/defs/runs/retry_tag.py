"""Runs that are made again: those that failed by what we run on, and by nothing else.

Dagster makes a run again whose process died, and by dagster.yaml no run of which a step failed:
a phase's retries are the phase service's. One that failed since MongoDB did not answer, or the
disk was full, is no fault of the video: its run is marked, and counts as one whose process died.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import dagster as dg

from video_pipeline.domain.errors import PipelineError

AGAIN_TAG = "dagster/retry_on_asset_or_op_failure"
"""Dagster's own tag: `RETRY_ON_ASSET_OR_OP_FAILURE_TAG` of its storage tags."""

Compute = Callable[..., Iterator[Any]]


def make_again(context: dg.AssetExecutionContext) -> None:
    """Let Dagster's run retries make this run again, up to their number."""
    context.instance.add_run_tags(context.run.run_id, {AGAIN_TAG: "true"})


def made_again(compute: Compute) -> Compute:
    """A step whose run is made again where an error ends it that passes."""

    @wraps(compute)
    def made(context: dg.AssetExecutionContext, *given: Any, **named: Any) -> Iterator[Any]:
        try:
            yield from compute(context, *given, **named)
        except PipelineError as error:
            if error.passes:
                make_again(context)
            raise

    return made
