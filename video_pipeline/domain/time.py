"""Exact time: half-open ranges, frame rates and SMPTE timecode, all in rational seconds.

`clock` writes a time for people.
"""

import re
from fractions import Fraction
from typing import Self

from pydantic import model_validator

from video_pipeline.domain.values import Frozen, Rational


class TimeRange(Frozen):
    """Seconds [start, end), with the start and without the end. May be empty."""

    start: Rational
    end: Rational

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"a range ends before it starts: {self.start} to {self.end}")
        return self

    @property
    def duration(self) -> Fraction:
        return self.end - self.start

    def contains(self, moment: Fraction) -> bool:
        return self.start <= moment < self.end

    def overlaps(self, other: "TimeRange") -> bool:
        """Return whether the ranges share a moment."""
        return max(self.start, other.start) < min(self.end, other.end)

    def within(self, other: "TimeRange") -> bool:
        """Return whether the other range holds all of this one."""
        return other.start <= self.start and self.end <= other.end


class FrameRate(Frozen):
    """Frames a second, exact: 30000/1001 is not 29.97."""

    per_second: Rational

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self.per_second <= 0:
            raise ValueError(f"a frame rate is positive, not {self.per_second}")
        return self

    def start_of(self, frame: int) -> Fraction:
        """Return when a frame starts, in seconds. Frames are numbered from 0."""
        return frame / self.per_second

    def frame_at(self, moment: Fraction) -> int:
        """Return the frame shown at a moment."""
        return int(moment * self.per_second // 1)

    def frames_of(self, range: TimeRange) -> tuple[int, int]:
        """Return the first and the last frame shown in a range. Both are one if it is empty."""
        first = self.frame_at(range.start)
        return first, max(first, -int(-range.end * self.per_second // 1) - 1)

    def range_of(self, first: int, after: int) -> TimeRange:
        """Return the range of frames [first, after)."""
        return TimeRange(start=self.start_of(first), end=self.start_of(after))


def clock(moment: Fraction, rate: FrameRate | None = None) -> str:
    """Return a time for people: `0:00:02.080`, or with a rate `0:00:02.080 (frame 52)`.

    Milliseconds are rounded, half to even. The frame is the one shown at the exact moment.
    """
    thousandths = round(moment * 1000)
    whole, rest = divmod(abs(thousandths), 1000)
    sign = "-" if thousandths < 0 else ""
    text = f"{sign}{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}.{rest:03}"
    return text if rate is None else f"{text} (frame {rate.frame_at(moment)})"


_TIMECODE = re.compile(r"(\d{2}):([0-5]\d):([0-5]\d)([:;.])(\d{2,3})")


class Timecode(Frozen):
    """A SMPTE timecode as a frame count at a nominal rate, drop-frame or not.

    Drop-frame skips the numbers 0 and 1 (at 30; 0 to 3 at 60) at the start of each minute not
    divisible by ten (SMPTE ST 12-1), so that 29.97 frames a second keep step with the clock.
    """

    frames: int
    rate: FrameRate
    drop_frame: bool = False

    @model_validator(mode="after")
    def _legal(self) -> Self:
        if self.drop_frame and self.rate.per_second not in (
            Fraction(30000, 1001),
            Fraction(60000, 1001),
        ):
            raise ValueError(f"drop-frame is for 29.97 and 59.94, not {self.rate.per_second}")
        return self

    @property
    def nominal(self) -> int:
        """Return the frame numbers a second: 30 for 29.97."""
        return -(-self.rate.per_second.numerator // self.rate.per_second.denominator)

    @property
    def seconds(self) -> Fraction:
        """Return the exact start of this frame."""
        return self.rate.start_of(self.frames)

    @classmethod
    def parse(cls, text: str, rate: FrameRate) -> "Timecode":
        """Read `HH:MM:SS:FF`; a `;` before the frames means drop-frame.

        Raises ValueError for text that is no timecode or names a dropped number.
        """
        found = _TIMECODE.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is not a timecode HH:MM:SS:FF")
        hours, minutes, seconds, number = (int(found[i]) for i in (1, 2, 3, 5))
        drop = found[4] == ";"
        nominal = cls(frames=0, rate=rate, drop_frame=drop).nominal
        dropped = nominal // 15 if drop else 0
        if number >= nominal or (drop and minutes % 10 and seconds == 0 and number < dropped):
            raise ValueError(f"{text!r} names a frame that does not exist at {rate.per_second}")
        total_minutes = hours * 60 + minutes
        count = (total_minutes * 60 + seconds) * nominal + number
        return cls(
            frames=count - dropped * (total_minutes - total_minutes // 10),
            rate=rate,
            drop_frame=drop,
        )

    def __str__(self) -> str:
        number, nominal = self.frames, self.nominal
        if self.drop_frame:
            dropped = nominal // 15
            tens, rest = divmod(number, nominal * 600 - dropped * 9)
            per_minute = nominal * 60 - dropped
            number += dropped * (9 * tens + max(0, (rest - dropped) // per_minute))
        seconds, frame = divmod(number, nominal)
        mark = ";" if self.drop_frame else ":"
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return f"{clock}{mark}{frame:02}"
