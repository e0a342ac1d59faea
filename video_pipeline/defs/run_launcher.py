"""The old name of `video_pipeline.defs.runs.launcher`, which older files dagster.yaml hold."""

from video_pipeline.defs.runs.launcher import WatchedRunLauncher as WatchedRunLauncher
