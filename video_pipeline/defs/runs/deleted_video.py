"""Steps of a video that was deleted after its run was queued.

Removal cancels queued runs. A run that is submitted in that moment still starts.
"""

from collections.abc import Iterator
from functools import wraps
from typing import Any

import dagster as dg

from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.defs.runs.retry_tag import Compute
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.pipeline.services import Services


def unless_deleted(compute: Compute) -> Compute:
    """Return a step that makes nothing if its video has neither a record nor a partition.

    All later steps are skipped then, and the run succeeds. It leaves no status in the catalogue.
    """

    @wraps(compute)
    def step(context: dg.AssetExecutionContext, *given: Any, **named: Any) -> Iterator[Any]:
        if _is_deleted(context):
            context.log.info(f"{context.partition_key} was deleted: nothing is left to be done")
            return
        yield from compute(context, *given, **named)

    return step


def _is_deleted(context: dg.AssetExecutionContext) -> bool:
    services: Services = context.resources.pipeline.services
    key = VideoKey.parse(context.partition_key)
    if services.of(key.project).videos.get(key.video) is not None:
        return False
    return not context.instance.has_dynamic_partition(VIDEOS_NAME, str(key))
