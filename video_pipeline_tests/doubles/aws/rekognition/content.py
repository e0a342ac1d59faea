"""Settings of the double for a test: the content of videos, quotas and lifetimes."""

from fnmatch import fnmatchcase
from fractions import Fraction
from math import floor
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from video_pipeline.domain.time import FrameRate, Timecode
from video_pipeline.domain.values import Frozen, Rational


class VideoContent(Frozen):
    """A video's duration and frame rate, and the number of rows found in it."""

    duration: Rational = Fraction(60)
    """Seconds."""
    frames_per_second: Rational = Fraction(25)
    drop_frame: bool = False
    variable_rate: bool = False
    """The first half of the frames takes two thirds of the time; FrameRate is the mean."""
    rows: int | None = Field(default=None, ge=0)
    """Rows of each operation. None: a number that depends on the duration."""
    codec: str = "h264"
    width: int = 1280
    height: int = 720
    given: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """Rows to return verbatim, by operation without its verb, such as `LabelDetection`."""

    @model_validator(mode="after")
    def _counts(self) -> Self:
        Timecode(frames=0, rate=self._rate, drop_frame=self.drop_frame)
        return self

    @property
    def _rate(self) -> FrameRate:
        return FrameRate(per_second=self.frames_per_second)

    @property
    def frames(self) -> int:
        """Return the number of frames."""
        return max(1, floor(self.duration * self.frames_per_second))

    @property
    def milliseconds(self) -> int:
        """Return the duration in milliseconds, rounded down."""
        return floor(self.duration * 1000)

    @property
    def samples(self) -> int:
        """Return the number of analysed frames: two a second."""
        return max(1, -(-self.milliseconds // 500))

    def millisecond_of(self, frame: int) -> int:
        """Return the start of a frame in milliseconds, rounded down as the vendor does."""
        if not self.variable_rate:
            return floor(frame / self.frames_per_second * 1000)
        half = Fraction(self.frames, 2)
        if frame <= half:
            return floor(self.milliseconds * Fraction(2, 3) * frame / half)
        rest = Fraction(1, 3) * (frame - half) / half
        return floor(self.milliseconds * (Fraction(2, 3) + rest))

    def timecode(self, frame: int) -> str:
        """Return the SMPTE timecode of a frame."""
        return str(Timecode(frames=frame, rate=self._rate, drop_frame=self.drop_frame))

    def metadata(self) -> dict[str, Any]:
        """Return the VideoMetadata of a reply."""
        return {
            "Codec": self.codec,
            "DurationMillis": self.milliseconds,
            "Format": "QuickTime / MOV",
            "FrameRate": float(self.frames_per_second),
            "FrameHeight": self.height,
            "FrameWidth": self.width,
            "ColorRange": "LIMITED",
        }


DAY_SECONDS = 86_400


class Settings(Frozen):
    """Quotas and lifetimes of the Amazon Rekognition developer guide, "Guidelines and quotas"."""

    concurrent: int = Field(default=20, ge=0)
    """The limit of running jobs of one account in one region, over all operations."""
    running_seconds: float = Field(default=0.2, ge=0)
    """How long a job runs."""
    page_rows: int = Field(default=1000, ge=1, le=1000)
    page_token_seconds: float = DAY_SECONDS
    """The lifetime of a NextToken."""
    kept_seconds: float = 7 * DAY_SECONDS
    """The lifetime of results and of a ClientRequestToken."""
    sns: str | None = None
    """The endpoint of the SNS server for completion events. None: publish nothing."""
    api_spelling: Literal["operation", "constant", "both"] = "both"
    """`API` in an event: `StartLabelDetection`, `LABEL_DETECTION`, or the two in turn.

    The vendor's documentation shows both.
    """
    s3: str | None = None
    """The endpoint of the S3 server that must have the objects. None: do not check."""
    videos: dict[str, VideoContent] = Field(default_factory=dict)
    """The content of videos, by a pattern of the object's key. The first match applies."""
    otherwise: VideoContent = VideoContent()
    """The content of all other videos."""

    def content(self, key: str) -> VideoContent:
        """Return the content of the video with this key."""
        found = (c for pattern, c in self.videos.items() if fnmatchcase(key, pattern))
        return next(found, self.otherwise)
