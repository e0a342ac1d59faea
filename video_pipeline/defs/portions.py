"""How many runs one tick of a sensor requests.

Dagster's daemon submits the runs one after the other when the tick has ended, at 0.2 s each on an
idle machine and 3 s on a busy one. The sensor ticks again only after that. A tick cannot measure
what follows it, so the time from its end to the next tick counts.
"""

from datetime import datetime
from typing import Self

from video_pipeline.domain.values import Frozen

# The first portion, the bounds of all, and the time from tick to tick that they aim at. The daemon
# looks for sensors every 5 s, so a shorter time could not be told from its pauses.
FIRST, FEWEST, MOST = 5, 2, 100
TARGET_SECONDS = 10.0
# A portion grows at most so much from tick to tick.
_GROWTH = 2


class Portion(Frozen):
    """What one tick may request. A sensor's cursor carries it to the next tick."""

    size: int = FIRST
    requested: int = 0
    """The runs that the tick requested."""
    ended_at: datetime | None = None
    """When the tick ended."""

    def spent(self, requested: int, now: datetime) -> Self:
        """Return the portion at the end of a tick that requested so many runs."""
        return self.model_copy(update={"requested": requested, "ended_at": now})

    def next(self, now: datetime) -> Self:
        """Return the portion of the tick that begins now."""
        if not self.requested or self.ended_at is None:
            return self
        size = _next(self.size, self.requested, (now - self.ended_at).total_seconds())
        return self.model_copy(update={"size": size})


def _next(size: int, requested: int, seconds: float) -> int:
    """Return the next size, given how long so many requested runs took."""
    if seconds < 0:  # the clock was set back
        return size
    if requested < size and seconds <= 2 * TARGET_SECONDS:
        return size  # too few runs to learn from
    affordable = int(requested * TARGET_SECONDS / max(seconds, 1.0))
    return max(FEWEST, min(affordable, size * _GROWTH, MOST))
