"""What a plugin can be fed, and the values it then receives.

A plugin opens no video by itself unless it asks for `File`. Time zero is the first video frame
(the first audio sample where there is no video).
"""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.values import Frozen


class Frames(Frozen):
    """Every n-th frame, scaled. Without a height, the shape as shown is kept."""

    width: int
    height: int | None = None
    pixel_format: Literal["rgb24", "bgr24", "gray"] = "rgb24"
    every: int = 1


class Audio16k(Frozen):
    """The audio as 16,000 samples a second, one channel."""


class File(Frozen):
    """The whole file, readable, on a local disk."""


class Object(Frozen):
    """The address of the object; nothing is downloaded."""


class Markers(Frozen):
    """The markers that other phases found."""

    kinds: tuple[str, ...]


Feed = Frames | Audio16k | File | Object | Markers


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Consecutive frames: `pixels` of shape (n, height, width, 3), or (n, height, width) if gray.

    `pts` are int64 of shape (n,), in units of `time_base` seconds from time zero; `first` is the
    number of the first one, counted in display order over all frames of the video.
    """

    pixels: NDArray[np.uint8]
    pts: NDArray[np.int64]
    time_base: Fraction
    first: int

    def start_of(self, index: int) -> Fraction:
        """Return when the frame at this index of the batch is shown, in seconds."""
        return int(self.pts[index]) * self.time_base


# Samples a second of `Audio`.
AUDIO_RATE = 16_000


@dataclass(frozen=True, slots=True)
class Audio:
    """Mono 16-bit little-endian samples at 16 kHz in a file; sample 0 is heard at `start`.

    `speech` is where speech was found, on the video's clock and in order; None where nobody looked.
    `warnings` say what of the stream was damaged or left out.
    """

    path: Path
    samples: int
    start: Fraction = Fraction(0)
    speech: tuple[TimeRange, ...] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def duration(self) -> Fraction:
        """Seconds."""
        return Fraction(self.samples, AUDIO_RATE)

    def read(self, first: int = 0, count: int | None = None) -> NDArray[np.float32]:
        """Return samples as floats in [-1, 1): all, or `count` of them from number `first` on."""
        most = self.samples - first
        count = most if count is None else min(count, most)
        whole = np.fromfile(self.path, dtype="<i2", count=count, offset=2 * first)
        return np.multiply(whole, np.float32(1 / 32768), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object as other services address it, pinned to the version that was probed.

    `version` is the store's own id of it; where a bucket keeps none it begins with `etag:`, and no
    service can be asked for it.
    """

    uri: str
    version: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one call or submission gets: only what its capabilities ask for is set."""

    audio: Audio | None = None
    file: Path | None = None
    object: ObjectRef | None = None
    markers: tuple[Marker, ...] = field(default=())
