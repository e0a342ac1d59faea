"""The old name of `video_pipeline.defs.runs.launcher`: a dagster.yaml of before the move names it."""

from video_pipeline.defs.runs.launcher import WatchedRunLauncher as WatchedRunLauncher
