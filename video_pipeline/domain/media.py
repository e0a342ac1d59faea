"""Container and streams of a video: as found by probing, and as decoded."""

from fractions import Fraction
from typing import Literal, Self

from pydantic import Field

from video_pipeline.domain.time import FrameRate, TimeRange
from video_pipeline.domain.values import Frozen, Rational

# Rates are declared rounded: 29.97 for 30000/1001.
_RATE_TOLERANCE = Fraction(1, 1000)

Rotation = Literal[0, 90, 180, 270]


class VideoStream(Frozen):
    """The video stream that is analysed. Width and height are as shown, in square pixels.

    A coded frame is turned clockwise by `rotation`, then mirrored left to right if `mirrored`.
    """

    codec: str
    width: int
    height: int
    frame_rate: FrameRate
    time_base: Rational
    variable_rate: bool = False
    rotation: Rotation = 0
    mirrored: bool = Field(default=False, exclude_if=lambda mirrored: not mirrored)
    start: Rational = Fraction(0)
    duration: Rational
    frames: int | None = None  # as counted or declared, None if that is not known


class AudioStream(Frozen):
    """The audio stream that is analysed."""

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
    variable_rate: bool = False
    last: Rational  # start of the last frame
    end: Rational
    warnings: tuple[str, ...] = ()


class MediaInfo(Frozen):
    """What probing a source found. `duration` is in seconds, of the longest stream.

    `timecode` is the first frame's, as SMPTE writes it. `reel` names the tape or camera roll.
    """

    container: str
    size: int
    sha256: str
    duration: Rational
    video: VideoStream | None
    audio: AudioStream | None
    timecode: str | None = Field(default=None, exclude_if=lambda timecode: timecode is None)
    reel: str | None = Field(default=None, exclude_if=lambda reel: reel is None)
    warnings: tuple[str, ...] = ()

    def lasting(self, decoded: DecodedVideo | None) -> Self:
        """Return the facts with the duration up to the last decoded frame, if that ends later."""
        if decoded is None or decoded.end <= self.duration:
            return self
        return self.model_copy(update={"duration": decoded.end})

    def differences(self, decoded: DecodedVideo) -> tuple[str, ...]:
        """Return a warning for each declared fact of the video that the decode contradicts."""
        declared, rate = self.video, decoded.frame_rate.per_second
        if declared is None:
            return ()
        facts = (
            (
                declared.frames not in (None, decoded.frames),
                f"{declared.frames} frames, but {decoded.frames} were decoded",
            ),
            (
                not decoded.variable_rate
                and abs(declared.frame_rate.per_second / rate - 1) > _RATE_TOLERANCE,
                f"{float(declared.frame_rate.per_second):.3f} frames a second,"
                f" but {float(rate):.3f} were decoded",
            ),
            (
                abs(declared.duration - decoded.end) > 1 / rate,
                f"{float(declared.duration):.3f} s of video,"
                f" but the last frame ends at {float(decoded.end):.3f} s",
            ),
        )
        return tuple(f"the container declares {fact}" for differs, fact in facts if differs)

    @property
    def extent(self) -> TimeRange:
        """Return the range that holds every marker of this video."""
        return TimeRange(start=Fraction(0), end=self.duration)
