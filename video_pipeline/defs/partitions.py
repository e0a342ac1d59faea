"""The partitions: one key a video, one key a project.

A video's key is `project_id/video_id`. A MultiPartitionsDefinition of project by video would be a
cross product, and nearly all of its keys would name no video.
"""

from collections.abc import Collection

import dagster as dg

from video_pipeline.dagster_api.tags import PARTITION_TAG as PARTITION_TAG
from video_pipeline.dagster_api.tags import PROJECT_TAG, VIDEO_TAG
from video_pipeline.domain.naming.identity import VideoKey

# The names are global to a Dagster instance, hence the prefix.
VIDEOS_NAME = "video_pipeline_videos"
PROJECTS_NAME = "video_pipeline_projects"
VIDEOS = dg.DynamicPartitionsDefinition(name=VIDEOS_NAME)
PROJECTS = dg.DynamicPartitionsDefinition(name=PROJECTS_NAME)

# The project of the command `try`, whose videos are processed without Dagster.
TRY_PROJECT = "try"


def add_videos(instance: dg.DagsterInstance, keys: Collection[VideoKey]) -> None:
    """Add the partitions of videos and their projects.

    As requests in a sensor's result, thousands would take minutes.
    """
    if not keys:
        return
    instance.add_dynamic_partitions(PROJECTS_NAME, sorted({key.project for key in keys}))
    instance.add_dynamic_partitions(VIDEOS_NAME, list(dict.fromkeys(map(str, keys))))


def video_tags(key: VideoKey) -> dict[str, str]:
    """Return the tags by which a video's runs are found, and queued fairly between projects."""
    return {PROJECT_TAG: key.project, VIDEO_TAG: str(key)}
