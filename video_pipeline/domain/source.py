"""A video as delivered: its source object, its record in the catalogue, and rejections."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from video_pipeline.domain.media import DecodedVideo, MediaInfo
from video_pipeline.domain.naming.identity import ProjectId, VideoId, VideoKey
from video_pipeline.domain.values import Frozen, Rational


class Source(Frozen):
    """The media object of one video, at one version."""

    key: VideoKey
    object_key: str  # exact, in the ingest store
    name: str  # exact, as delivered; the id may be a slug of it
    version: str
    size: int

    @property
    def delivered(self) -> str:
        """Return name and file as delivered: `talk/clip.mp4`, or `talk.mp4` for both in one."""
        file = self.object_key.rpartition("/")[2]
        return file if self.name in (file, file.rpartition(".")[0]) else f"{self.name}/{file}"


class Due(StrEnum):
    """A pending action for a video. Kept in the catalogue until done, so that kills lose none."""

    RUN = "run"  # arrived; its run is not requested yet
    REMOVAL = "removal"  # its object is gone; the removal policy is not applied yet
    ARCHIVAL = "archival"  # archived; its partition is still in Dagster
    RESTORATION = "restoration"  # restored; its partition is not in Dagster yet


class Removal(StrEnum):
    """The policy for a video whose object was deleted from the ingest store."""

    KEEP = "keep"  # mark it as removed; keep everything
    ARCHIVE = "archive"  # delete the partition; keep catalogue and outputs
    # Delete partition, outputs, raw answers and rows. Keep the ledger of work units: it is money.
    DELETE = "delete"


class Known(NamedTuple):
    """The fields of a recorded video that are compared with the ingest store."""

    video: VideoId
    object_key: str
    version: str
    due: Due | None
    missing_since: datetime | None
    removed_at: datetime | None


class VideoRecord(Frozen):
    """A video in the catalogue, without its results."""

    source: Source
    arrived_at: datetime
    due: Due | None = None
    removed_at: datetime | None = None  # when its object was found deleted
    archived_at: datetime | None = None  # while archived, Dagster has no partition of it
    sha256: str | None = None  # of the bytes of `source`; None until they were read
    media: MediaInfo | None = None  # as the container declares; None until probed
    decoded: DecodedVideo | None = None  # None until its frames were decoded

    @property
    def key(self) -> VideoKey:
        return self.source.key


class Rejection(Frozen):
    """An object in the ingest store that cannot become a video, and why."""

    project: ProjectId
    object_key: str
    reason: str
    at: datetime


class Totals(Frozen):
    """How much video a project has. `seconds` counts the videos that were probed."""

    videos: int
    seconds: Rational
    removed: int = 0
    """Videos whose objects are gone. They are in no other sum but the usage."""
