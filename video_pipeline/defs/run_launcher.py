"""The old name of `video_pipeline.defs.runs.launcher`, for a dagster.yaml from before the move."""

from video_pipeline.defs.runs.launcher import WatchedRunLauncher as WatchedRunLauncher
