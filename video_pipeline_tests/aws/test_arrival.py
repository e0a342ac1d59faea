"""Tests of the limit on how slowly a response may arrive."""

import io
from collections.abc import Callable

import pytest

from video_pipeline.aws.arrival import STRETCH_BYTES, Arriving


class Line(io.RawIOBase):
    """A line on which each read takes some seconds of a clock, and yields at most `bytes_`."""

    def __init__(self, bytes_: int, seconds: float) -> None:
        super().__init__()
        self.bytes_, self.seconds, self.now = bytes_, seconds, 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        self.now += self.seconds
        return min(len(memoryview(buffer)), self.bytes_)  # type: ignore[arg-type]

    def elapsed(self) -> float:
        return self.now


def read(line: Line, size: int, pause: Callable[[], None] = lambda: None) -> int:
    """Read so many bytes within 300 s a stretch, with a pause of the reader after each read."""
    arriving, found = Arriving(line, 300, line.elapsed), 0
    while found < size:
        found += len(arriving.read(min(1 << 16, size - found)) or b"")
        pause()
    return found


def test_bytes_that_drip_end_with_a_timeout() -> None:
    line = Line(1, 10)
    with pytest.raises(TimeoutError, match="31 bytes took 310 s"):
        read(line, 1000)
    assert line.now == 310


def test_slow_line_may_take_long_for_many_bytes() -> None:
    line = Line(1 << 14, 4)
    assert read(line, 8 * STRETCH_BYTES) == 8 * STRETCH_BYTES
    assert line.now == 2048


def test_fast_bytes_earn_no_time_for_slow_ones() -> None:
    line = Line(1 << 16, 0)
    arriving = Arriving(line, 300, line.elapsed)
    for _ in range(100 * STRETCH_BYTES >> 16):
        arriving.read(1 << 16)
    line.bytes_, line.seconds = 1, 10
    with pytest.raises(TimeoutError):
        for _ in range(100):
            arriving.read(1)
    assert line.now == 310


def test_time_of_the_reader_does_not_count() -> None:
    line = Line(1 << 16, 1)

    def pause() -> None:
        line.now += 3600

    assert read(line, STRETCH_BYTES, pause) == STRETCH_BYTES
