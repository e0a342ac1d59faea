"""The time of each decoded frame: exact, increasing ticks from time zero."""

from fractions import Fraction

from video_pipeline.media.child.rates import LONGEST_GAP, Pace

_SMALL_STEP_BACK = Fraction(1)


class FrameClock:
    """Converts the timestamps of frames in display order to strictly increasing ticks from 0."""

    def __init__(self, time_base: Fraction, rate: Fraction) -> None:
        self._time_base, self._rate = time_base, rate
        self._step = max(1, round(1 / (rate * time_base)))
        self._zero: int | None = None
        self._pace = Pace(time_base)
        self._last = -1
        self._last_duration = 0
        self.frames = self._missing = self._nudged = self._jumps = 0

    def moment(self, pts: int | None, duration: int) -> int:
        """Return the tick of the next frame. Small steps back are nudged, and jumps are closed."""
        if self._zero is None:
            self._zero, moment = pts or 0, 0
        else:
            moment = self._placed(pts)
        self.frames += 1
        honest = 0 < duration * self._time_base <= LONGEST_GAP
        self._last, self._last_duration = moment, duration if honest else 0
        self._pace.add(moment, self._last_duration)
        return moment

    def _placed(self, pts: int | None) -> int:
        following = self._last + (self._last_duration or self._step)
        if pts is None or self._zero is None:
            self._missing += 1
            return following
        moment = pts - self._zero
        ahead = (moment - self._last) * self._time_base
        if not -_SMALL_STEP_BACK <= ahead <= LONGEST_GAP:
            self._jumps += 1
            self._zero = pts - following
            return following
        if moment <= self._last:
            self._nudged += 1
            return self._last + 1
        return moment

    @property
    def steady(self) -> Fraction | None:
        """Return the constant rate, None if the rate varies."""
        return self._pace.rate([self._rate])

    @property
    def rate(self) -> Fraction:
        """Return the constant rate, else the average."""
        return self.steady or self._pace.average or self._rate

    @property
    def last(self) -> Fraction:
        """Return when the last frame starts, in seconds."""
        return self._last * self._time_base

    @property
    def end(self) -> Fraction:
        """Return when the last frame ends, in seconds."""
        return self.last + (self._pace.last_length(self.steady) or 1 / self._rate)

    @property
    def warnings(self) -> list[str]:
        """Return what had to be corrected."""
        counts = {
            "frames without a timestamp follow the one before": self._missing,
            "frames with a timestamp not after the one before were moved one tick on": self._nudged,
            "jumps of the timestamps were closed": self._jumps,
        }
        return [f"{count} {what}" for what, count in counts.items() if count]
