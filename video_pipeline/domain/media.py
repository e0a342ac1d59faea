"""Container and streams of a video: as found by probing, and as decoded."""

from fractions import Fraction
from typing import Literal

from video_pipeline.domain.time import FrameRate, TimeRange
from video_pipeline.domain.values import Frozen, Rational

Rotation = Literal[0, 90, 180, 270]


class VideoStream(Frozen):
    """The first video stream. Width and height are as shown: after rotation and pixel aspect."""

    codec: str
    width: int
    height: int
    frame_rate: FrameRate
    time_base: Rational
    variable_rate: bool = False
    rotation: Rotation = 0
    start: Rational = Fraction(0)
    duration: Rational
    frames: int | None = None  # as declared by the container


class AudioStream(Frozen):
    """The first audio stream."""

    codec: str
    sample_rate: int
    channels: int
    start: Rational = Fraction(0)
    duration: Rational


class DecodedVideo(Frozen):
    """What a decode found in the video stream. Times are in seconds from its first frame.

    A frame rate that varies is the average.
    """

    frames: int
    frame_rate: FrameRate
    variable_rate: bool
    last: Rational  # start of the last frame
    end: Rational
    warnings: tuple[str, ...] = ()


class MediaInfo(Frozen):
    """What probing a source found. `duration` is in seconds, of the longest stream."""

    container: str
    size: int
    sha256: str
    duration: Rational
    video: VideoStream | None
    audio: AudioStream | None
    warnings: tuple[str, ...] = ()

    @property
    def extent(self) -> TimeRange:
        """Return the range that holds every marker of this video."""
        return TimeRange(start=Fraction(0), end=self.duration)
