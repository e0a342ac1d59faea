"""The recorded rejections of what was looked at: new ones are added, mended ones cleared."""

from collections.abc import Mapping
from datetime import datetime

from video_pipeline.catalog.videos import Videos
from video_pipeline.domain.naming.identity import ProjectId
from video_pipeline.domain.source import Rejection


def settle(
    videos: Videos,
    project: ProjectId,
    recorded: Mapping[str, str],
    found: Mapping[str, str],
    now: datetime,
) -> None:
    """Bring the rejections of some objects up to what was found: object key to reason.

    A rejection found again for the same reason keeps its time.
    """
    for mended in recorded.keys() - found.keys():
        videos.clear_rejection(mended)
    for object_key, reason in found.items():
        if recorded.get(object_key) != reason:
            videos.reject(Rejection(project=project, object_key=object_key, reason=reason, at=now))
