"""A video as it was delivered: the source object, what is recorded of it, what was rejected."""

from datetime import datetime

from video_pipeline.domain.identity import ProjectId, VideoKey
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.values import Frozen


class Source(Frozen):
    """The media object of one video, at one version."""

    key: VideoKey
    object_key: str
    """The object's exact key in the ingest store."""
    name: str
    """The video's exact name as delivered; the id may be a slug of it."""
    version: str
    size: int


class VideoRecord(Frozen):
    """What the catalogue knows of a video besides its results."""

    source: Source
    arrived_at: datetime
    sha256: str | None = None
    """Of the bytes of `source`; None until they were read."""
    media: MediaInfo | None = None
    """None until probed."""

    @property
    def key(self) -> VideoKey:
        return self.source.key


class Rejection(Frozen):
    """Something in the ingest store that no video can be made of, and why."""

    project: ProjectId
    object_key: str
    reason: str
    at: datetime
