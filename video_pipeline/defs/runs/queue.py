"""The run queue of dagster.yaml: Dagster's own, which tags each run of a video with its project.

Every run needs the tag before it is queued, so that the queue is fair to projects.
"""

import dagster as dg

from video_pipeline.defs.partitions import video_of, video_tags


class ProjectRunQueue(dg.QueuedRunCoordinator):
    """Queues runs with the tag of their project."""

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Tag the run if it is a video's, and queue it."""
        run = context.dagster_run
        missing = missing_tags(run)
        if missing:
            self._instance.add_run_tags(run.run_id, missing)
        return super().submit_run(context)


def missing_tags(run: dg.DagsterRun) -> dict[str, str]:
    """Return the tags of its project that a video's run lacks, or has of another project."""
    key = video_of(run.tags)
    wanted = video_tags(key) if key else {}
    return {tag: value for tag, value in wanted.items() if run.tags.get(tag) != value}
