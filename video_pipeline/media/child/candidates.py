"""Candidates for the pictures of a video, chosen in the child from the one decode.

A frame is sent at each interval, and one soon after each change of picture. The change is measured
on so few pixels that it costs some hundredths of a decode.
"""

from collections.abc import Sequence
from fractions import Fraction
from operator import sub
from typing import cast

from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from video_pipeline.media.child.scaling import Scaler
from video_pipeline.media.protocol import Outlet
from video_pipeline.media.shape import Orientation

_QUALITY = 4  # quantiser of the encoder: 2 is best, 31 worst
# The first frames after a cut are often coarse, or still part of a transition.
_SETTLED = Fraction(1, 5)
# The grid of pixels that are compared from frame to frame.
_COLUMNS, _ROWS = 16, 9
# A change is a difference of so many levels of 256, and so many times the usual one.
_LEAST_CHANGE, _TIMES_USUAL = 6, 3
_WEIGHT_OF_LAST = 0.2


class CandidateOutlet:
    """Sends the first frame, one each `every` seconds, and one after each change of picture.

    They are at most `most`, half of them for changes. The frames shown at `moments` come on top.
    """

    def __init__(
        self,
        size: tuple[int, int],
        oriented: Orientation,
        every: Fraction,
        most: int,
        moments: Sequence[Fraction],
        outlet: Outlet,
    ) -> None:
        self._size, self._every, self._outlet = size, every, outlet
        self._left, self._left_changes, self._moments = most, most // 2, sorted(moments)[::-1]
        # JPEG allows only this matrix and range.
        self._scaler = Scaler(
            size, "yuvj420p", oriented, out_range="full", out_color_matrix="bt601"
        )
        self._changes = _Changes()
        self._begins: Fraction | None = None
        self._due, self._last = Fraction(0), Fraction(-1)
        self._previous: tuple[VideoFrame, Fraction] | None = None

    def take(self, frame: VideoFrame, at: Fraction) -> None:
        """Look at the next frame, shown at this moment, in seconds."""
        changed = self._changes.begin_with(frame)
        if self._passed(at) or (changed and self._begins is not None):
            self._send_previous()
        if changed and self._left_changes:
            self._left_changes -= 1
            self._begins, self._due = at, at + _SETTLED
        if self._left and at >= self._due:
            self._send(frame, at)
        self._previous = frame, at

    def flush(self) -> None:
        """Send the last frame if it is still wanted."""
        if self._moments or self._begins is not None:
            self._send_previous()

    def _passed(self, at: Fraction) -> bool:
        """Return whether the previous frame was shown at a wanted moment. Forget those moments."""
        before = len(self._moments)
        while self._moments and self._moments[-1] < at:
            self._moments.pop()
        return len(self._moments) < before

    def _send_previous(self) -> None:
        if self._previous is not None:
            self._send(*self._previous)

    def _send(self, frame: VideoFrame, at: Fraction) -> None:
        if at > self._last:
            self._left = max(0, self._left - 1)
            begins = None if self._begins is None else str(self._begins)
            jpeg = self._encoded(self._scaler.scaled(frame))
            self._outlet.send("candidate", [memoryview(jpeg)], at=str(at), begins=begins)
            self._last = at
        self._begins, self._due = None, at + self._every

    def _encoded(self, frame: VideoFrame) -> bytes:
        encoder = CodecContext.create("mjpeg", "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height = self._size
        encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 1000)
        encoder.thread_count = 1
        encoder.qmin = encoder.qmax = _QUALITY
        frame.pts = None
        return b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)]))


class _Changes:
    """Finds frames that differ from the one before as no frame did lately."""

    def __init__(self) -> None:
        self._before: list[int] = []
        self._usual = 0.0

    def begin_with(self, frame: VideoFrame) -> bool:
        """Return whether another picture begins with this frame."""
        seen, before = _samples(frame), self._before
        self._before = seen
        if not seen or len(seen) != len(before):
            return False
        change = sum(map(abs, map(sub, seen, before))) / len(seen)
        limit = max(_LEAST_CHANGE, _TIMES_USUAL * self._usual)
        # A cut must not hide the next one.
        self._usual += _WEIGHT_OF_LAST * (min(change, limit) - self._usual)
        return change > limit


def _samples(frame: VideoFrame) -> list[int]:
    """Return a grid of the first plane's samples in 8 bits; nothing where rows run upwards."""
    plane, depth = frame.planes[0], frame.format.components[0].bits
    row = plane.line_size
    if row <= 0:
        return []
    # More than 8 bits are stored in two bytes.
    wide = depth > 8
    pixels = memoryview(cast(bytes, plane)).cast("B")
    pixels, row = (pixels.cast("H"), row // 2) if wide else (pixels, row)
    across, down = max(1, frame.width // _COLUMNS), max(1, frame.height // _ROWS)
    found: list[int] = []
    for first in range(down // 2 * row, frame.height * row, down * row):
        found += pixels[first + across // 2 : first + frame.width : across].tolist()
    return [sample >> (depth - 8) for sample in found] if wide else found
