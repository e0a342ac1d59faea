"""A video as it was delivered: the source object, what is recorded of it, what was rejected."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import ProjectId, VideoId, VideoKey
from video_pipeline.domain.values import Frozen, Rational


class Source(Frozen):
    """The media object of one video, at one version."""

    key: VideoKey
    object_key: str
    """The object's exact key in the ingest store."""
    name: str
    """The video's exact name as delivered; the id may be a slug of it."""
    version: str
    size: int


class Due(StrEnum):
    """What is still to be done for a video. It stands in the catalogue until it is done, so that
    no process that is killed takes it along."""

    RUN = "run"
    """It arrived, and its run is not requested yet."""
    REMOVAL = "removal"
    """Its object is gone, and what the policy says of that is not carried out yet."""
    ARCHIVAL = "archival"
    """It was archived, and its partition is still in Dagster."""
    RESTORATION = "restoration"
    """It was restored, and its partition is not back in Dagster yet."""


class Removal(StrEnum):
    """What becomes of a video whose object is gone from the ingest store."""

    KEEP = "keep"
    """It is marked as removed; everything stays."""
    ARCHIVE = "archive"
    """Its partition goes; catalogue and outputs stay."""
    DELETE = "delete"
    """Partition, outputs, raw answers and rows go. The ledger of work units stays: it is money."""


class Known(NamedTuple):
    """The little of a recorded video that is compared with what lies in the ingest store."""

    video: VideoId
    object_key: str
    version: str
    due: Due | None
    missing_since: datetime | None
    removed_at: datetime | None


class VideoRecord(Frozen):
    """What the catalogue knows of a video besides its results."""

    source: Source
    arrived_at: datetime
    due: Due | None = None
    removed_at: datetime | None = None
    """When its object was found to be gone; None while it is there."""
    archived_at: datetime | None = None
    """When it was archived, so that Dagster has no partition of it; None while it is there."""
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


class Totals(Frozen):
    """How much video a project has."""

    videos: int
    seconds: Rational
    """The length of all videos that were probed."""
