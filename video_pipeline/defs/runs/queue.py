"""The run queue of dagster.yaml: Dagster's own, with project and video noted on every run.

The tags must be there before a run is queued, whoever launched it, so that the queue can be fair
to every project.
"""

import dagster as dg

from video_pipeline.defs.partitions import PARTITION_TAG, VIDEO_TAG, video_tags
from video_pipeline.domain.errors import IdentityError
from video_pipeline.domain.naming.identity import VideoKey


class ProjectRunQueue(dg.QueuedRunCoordinator):
    """Queues runs with the tags of their project and video."""

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Tag the run of a video, and queue it."""
        run = context.dagster_run
        missing = missing_tags(run)
        if missing:
            self._instance.add_run_tags(run.run_id, missing)
        return super().submit_run(context)


def missing_tags(run: dg.DagsterRun) -> dict[str, str]:
    """The tags of project and video that the run of a video does not have yet."""
    partition = run.tags.get(PARTITION_TAG)
    if partition is None or VIDEO_TAG in run.tags:
        return {}
    try:
        return video_tags(VideoKey.parse(partition))
    except IdentityError:
        return {}  # the partition of something else than a video
