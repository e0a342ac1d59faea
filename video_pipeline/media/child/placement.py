"""Placement of decoded audio on the video's clock: silence, overlaps and wrong timestamps.

Positions count samples from time zero.
"""

# Smaller deviations of timestamps are rounding: the samples are joined.
TOLERANCE_SECONDS = 0.05
# Audio that starts later is not preceded by silence, but has a start of its own.
LONGEST_WAIT_SECONDS = 600
MOST_SILENCE_SECONDS = 6 * 3600
_MOST_OVERLAP_SECONDS = 1


class Placement:
    """Decides where each stretch of audio lands, and what is dropped or filled.

    `bound` is the highest plausible position.
    """

    def __init__(self, rate: int, bound: int) -> None:
        self._rate, self._bound = rate, bound
        self._origin = self._given = 0
        self._silence_left = MOST_SILENCE_SECONDS * rate
        self._begun = False
        # Positions of the first sample written, and of the next.
        self.start = self.written = 0

    def breaks(self, expected: int, claimed: int) -> bool:
        """Return whether audio expected at `expected` starts a new stretch at `claimed`."""
        if not self._begun:
            return True
        ahead = claimed - expected
        if abs(ahead) <= TOLERANCE_SECONDS * self._rate:
            return False
        return self._credible(ahead, claimed)

    def _credible(self, ahead: int, claimed: int) -> bool:
        silence = claimed - self.written
        if claimed > self._bound or silence > self._silence_left:
            return False
        return -ahead <= _MOST_OVERLAP_SECONDS * self._rate

    def stretch(self, claimed: int) -> int:
        """Begin a stretch. Return the samples of silence before it."""
        self._origin, self._given = claimed, 0
        if not self._begun:
            self._begun = True
            return self._wait(claimed)
        return self._silence(claimed - self.written)

    def _wait(self, claimed: int) -> int:
        if claimed > self._bound:
            self._origin = claimed = 0
        if claimed > LONGEST_WAIT_SECONDS * self._rate:
            self.start = self.written = claimed
        return self._silence(claimed - self.written)

    def _silence(self, wanted: int) -> int:
        filled = max(0, wanted)
        self._silence_left -= filled
        self.written += filled
        return filled

    def skipped(self, samples: int) -> int:
        """Return how many of the next samples are dropped from their front."""
        position = self._origin + self._given
        skip = min(samples, max(0, self.written - position))
        self._given += samples
        self.written += samples - skip
        return skip
