"""The old name of `video_pipeline.defs.runs.queue`, which older files dagster.yaml hold."""

from video_pipeline.defs.runs.queue import ProjectRunQueue as ProjectRunQueue
