"""The partitions: one key a video, one key a project.

Keys are `project_id/video_id`, not a MultiPartitionsDefinition of project by video: that is a
cross product, nearly all of whose keys name no video.
"""

from collections.abc import Collection

import dagster as dg

from video_pipeline.dagster_api.tags import PARTITION_TAG as PARTITION_TAG
from video_pipeline.dagster_api.tags import PROJECT_TAG, VIDEO_TAG
from video_pipeline.domain.naming.identity import VideoKey

VIDEOS_NAME = "video_pipeline_videos"
PROJECTS_NAME = "video_pipeline_projects"

VIDEOS = dg.DynamicPartitionsDefinition(name=VIDEOS_NAME)
"""Keys are `project_id/video_id`. The names are global to a Dagster instance, hence the prefix."""

PROJECTS = dg.DynamicPartitionsDefinition(name=PROJECTS_NAME)
"""Keys are `project_id`, kept by the sensors for assets of a whole project."""

TRY_PROJECT = "try"
"""The project of the command `try`, whose videos go their road without Dagster."""


def add_videos(instance: dg.DagsterInstance, keys: Collection[VideoKey]) -> None:
    """Add videos and their projects. In bulk: as requests of a sensor's result they would take
    minutes."""
    if not keys:
        return
    instance.add_dynamic_partitions(PROJECTS_NAME, sorted({key.project for key in keys}))
    instance.add_dynamic_partitions(VIDEOS_NAME, list(dict.fromkeys(map(str, keys))))


def video_tags(key: VideoKey) -> dict[str, str]:
    """The tags by which the runs of a video and of its project are found, and queued fairly."""
    return {PROJECT_TAG: key.project, VIDEO_TAG: str(key)}
