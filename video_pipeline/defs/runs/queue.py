"""The run queue of dagster.yaml: Dagster's own, which tags each run with its project and video.

Every run needs the tags before it is queued, so that the queue is fair to projects.
"""

import dagster as dg

from video_pipeline.defs.partitions import PARTITION_TAG, VIDEO_TAG, video_tags
from video_pipeline.domain.errors import IdentityError
from video_pipeline.domain.naming.identity import VideoKey


class ProjectRunQueue(dg.QueuedRunCoordinator):
    """Queues runs with the tags of their project and video."""

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Tag the run if it is a video's, and queue it."""
        run = context.dagster_run
        missing = missing_tags(run)
        if missing:
            self._instance.add_run_tags(run.run_id, missing)
        return super().submit_run(context)


def missing_tags(run: dg.DagsterRun) -> dict[str, str]:
    """Return the tags of project and video that a video's run lacks."""
    partition = run.tags.get(PARTITION_TAG)
    if partition is None or VIDEO_TAG in run.tags:
        return {}
    try:
        return video_tags(VideoKey.parse(partition))
    except IdentityError:
        return {}  # a partition of something else
