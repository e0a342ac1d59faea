"""Frame rates and the length of frames, from timestamps that are rounded to a time base."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

# Seconds between two frames; a longer gap is a broken timestamp.
LONGEST_GAP = Fraction(6 * 3600)
# Fewer steps tell no rate that nothing claims.
_LEAST_STEPS = 3
_NTSC = Fraction(1000, 1001)


class Pace:
    """The constant rates that fit ascending timestamps, and the length of the last frame.

    Frame n of a constant rate lies within one tick of n steps after the first frame. Each frame
    thus bounds the step from both sides. The bounds are kept as integers, as this runs per frame.
    """

    def __init__(self, time_base: Fraction) -> None:
        self._time_base = time_base
        self._zero: int | None = None
        self._count = self._ticks = self._gap = self._duration = 0
        # Ticks and frames whose quotient is the least, and the most, that a step can be.
        self._least, self._most = (0, 1), (1, 0)
        # How many durations equalled the gap to the next frame, less those that did not.
        self._trust = 0

    def add(self, moment: int, duration: int = 0) -> None:
        """Take the next frame's timestamp and claimed duration, 0 if it has none."""
        before, self._duration = self._duration, duration
        if self._zero is None:
            self._zero = moment
            return
        self._count += 1
        count, ticks = self._count, moment - self._zero
        self._gap, self._ticks = ticks - self._ticks, ticks
        self._trust += 1 if abs(self._gap - before) <= 1 else -1
        if (ticks - 1) * self._least[1] > self._least[0] * count:
            self._least = (ticks - 1, count)
        if (ticks + 1) * self._most[1] < self._most[0] * count:
            self._most = (ticks + 1, count)

    def fits(self, rate: Fraction) -> bool:
        """Return whether all timestamps fit this rate."""
        step = 1 / (rate * self._time_base)
        least, most = self._least, self._most
        return least[0] <= step * least[1] and step * most[1] <= most[0]

    def rate(self, claims: Sequence[Fraction]) -> Fraction | None:
        """Return the first claim that fits, else the plainest rate that does, None if none does."""
        for claim in claims:
            if self.fits(claim):
                return claim
        if self._count < _LEAST_STEPS or self._least[0] <= 0:
            return None
        low = self._most[1] / (self._most[0] * self._time_base)
        high = self._least[1] / (self._least[0] * self._time_base)
        return _plainest(low, high) if low <= high else None

    @property
    def average(self) -> Fraction | None:
        """Return the frames a second between the first and the last, None for fewer than two."""
        return self._count / (self._ticks * self._time_base) if self._ticks > 0 else None

    def last_length(self, steady: Fraction | None) -> Fraction | None:
        """Return the last frame's length in seconds, None if nothing tells it.

        Its claimed duration counts if those of the frames before were true. `steady` is the
        constant rate, None if it varies.
        """
        claimed = self._duration * self._time_base
        if self._trust >= 0 and 0 < claimed <= LONGEST_GAP:
            return claimed
        if steady:
            return 1 / steady
        return self._gap * self._time_base or None


def _plainest(low: Fraction, high: Fraction) -> Fraction:
    """Return a whole rate, else one of NTSC, else the fraction with the least denominator."""
    for unit in (Fraction(1), _NTSC):
        if (rate := ceil(low / unit) * unit) <= high:
            return rate
    return _simplest(low, high)


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """Return the fraction with the least denominator in [low, high], as low is above 0."""
    whole = ceil(low)
    if whole <= high:
        return Fraction(whole)
    whole -= 1
    return whole + 1 / _simplest(1 / (high - whole), 1 / (low - whole))
