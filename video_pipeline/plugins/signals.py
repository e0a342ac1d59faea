"""Signals of a video: what its decoded pictures and sound measure, in small stored files.

Results are compared with them, also in another process, hours later. An hour takes at most 1 MB.
Time zero is that of `inputs`.
"""

import base64
import zlib
from fractions import Fraction
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, ConfigDict, PlainSerializer

from video_pipeline.domain.media import DecodedVideo
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.values import Frozen, Rational

# Seconds of a value of `loudness`.
LOUDNESS_STEP = Fraction(1, 10)
# Levels a unit of `change` and `change_in_a_second`: those above 63.75 count as that.
CHANGE_LEVELS = 0.25
# Contrast below which a frame is of one colour, and from which there is a picture.
_FLAT, _PICTURE = 3, 8
# Values of a slope: a shorter one is a cut to one colour.
_LEAST_SLOPE = 4
# More bytes than the longest film would need: a stored file with more is refused.
_MOST_BYTES = 64 << 20


def _packed(values: NDArray[Any]) -> str:
    return base64.b64encode(zlib.compress(values.tobytes(), 6)).decode()


def _unpacked(text: str, form: str) -> NDArray[Any]:
    inflate = zlib.decompressobj()
    try:
        raw = inflate.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
    except zlib.error as error:
        raise ValueError("a series is damaged") from error
    if not inflate.eof:
        raise ValueError("a series is cut off, or too long")
    return np.frombuffer(raw, form)


def _levels(value: Any) -> NDArray[np.uint8]:
    return _unpacked(value, "u1") if isinstance(value, str) else np.asarray(value, np.uint8)


def _ticks(value: Any) -> NDArray[np.int64]:
    """Return times from the differences between neighbours, which compress to nearly nothing."""
    if isinstance(value, str):
        return np.cumsum(_unpacked(value, "<i8"), dtype=np.int64)
    return np.asarray(value, np.int64)


def _packed_ticks(values: NDArray[np.int64]) -> str:
    return _packed(np.diff(values, prepend=np.int64(0)).astype("<i8"))


Levels = Annotated[NDArray[np.uint8], BeforeValidator(_levels), PlainSerializer(_packed)]
Ticks = Annotated[NDArray[np.int64], BeforeValidator(_ticks), PlainSerializer(_packed_ticks)]


class _Series(Frozen):
    model_config = ConfigDict(arbitrary_types_allowed=True)


class PictureSignals(_Series):
    """One value a frame, or for several frames in a fast video. All series have one length.

    `ticks` are the starts in units of `time_base` seconds. `luma` and `contrast` are mean and
    standard deviation, 0 to 255. `change` is the mean difference from the frame before, and
    `change_in_a_second` that from the frame of a second ago, in units of CHANGE_LEVELS.
    """

    content: str
    """SHA-256 of the source."""
    decoded: DecodedVideo
    time_base: Rational
    ticks: Ticks
    luma: Levels
    contrast: Levels
    change: Levels
    change_in_a_second: Levels

    def index_at(self, moment: Fraction) -> int:
        """Return the index of the value at a moment, in seconds."""
        found = int(np.searchsorted(self.ticks, int(moment / self.time_base // 1), "right"))
        return max(0, found - 1)

    def start_of(self, index: int) -> Fraction:
        """Return when a value's frame starts, in seconds."""
        return int(self.ticks[index]) * self.time_base

    def fades(self) -> tuple[TimeRange, ...]:
        """Return where a picture gradually sinks into one colour, or rises from it."""
        flat = np.concatenate([[False], self.contrast < _FLAT, [False]]).astype(np.int8)
        sinks, rises = np.flatnonzero(np.diff(flat) == 1), np.flatnonzero(np.diff(flat) == -1)
        found = [(_slope_begin(self.contrast, int(sink)), int(sink)) for sink in sinks]
        backwards = self.contrast[::-1]
        count = len(backwards)
        found += [(int(r), count - _slope_begin(backwards, count - int(r))) for r in rises]
        return tuple(
            TimeRange(start=self.start_of(first), end=self.start_of(min(after, count - 1)))
            for first, after in sorted(found)
            if after - first >= _LEAST_SLOPE
        )


def _slope_begin(contrast: NDArray[np.uint8], sink: int) -> int:
    """Return where the slope begins that ends flat at `sink`; `sink` if no picture was there."""
    begin = sink
    while begin > 0 and contrast[begin - 1] >= contrast[min(begin, sink - 1)]:
        begin -= 1
    while begin + 1 < sink and contrast[begin] == contrast[begin + 1]:
        begin += 1
    return begin if sink and contrast[begin] >= _PICTURE else sink


class SoundSignals(_Series):
    """Speech and loudness of the audio, which begins at `start` and lasts for `duration` seconds.

    `loudness` is the level in half decibels below full scale, for each LOUDNESS_STEP: 0 is the
    loudest, 255 silence. `speech` is None where no speech detector is installed.
    """

    content: str
    """SHA-256 of the source."""
    start: Rational
    duration: Rational
    loudness: Levels
    speech: tuple[TimeRange, ...] | None = None
