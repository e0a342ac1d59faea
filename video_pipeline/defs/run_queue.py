"""The old name of `video_pipeline.defs.runs.queue`: a dagster.yaml of before the move names it."""

from video_pipeline.defs.runs.queue import ProjectRunQueue as ProjectRunQueue
