"""The partitions: one key a video, one key a project.

A video's key is `project_id/video_id`. A MultiPartitionsDefinition of project by video would be a
cross product, and nearly all of its keys would name no video.
"""

from collections.abc import Collection, Mapping

import dagster as dg

from video_pipeline.dagster_api.tags import PARTITION_TAG as PARTITION_TAG
from video_pipeline.dagster_api.tags import PROJECT_TAG
from video_pipeline.domain.errors import IdentityError
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
    """Return the tag by which a project's runs are found, and queued fairly between projects.

    Dagster's own tag of the partition names the video.
    """
    return {PROJECT_TAG: key.project}


def video_of(tags: Mapping[str, str]) -> VideoKey | None:
    """Return the video whose partition a run makes, or None for any other run."""
    try:
        return VideoKey.parse(tags.get(PARTITION_TAG, ""))
    except IdentityError:
        return None  # no partition, or that of something else
