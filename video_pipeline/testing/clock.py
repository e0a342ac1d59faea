"""The time of a double: the machine's, and what a test adds to it."""

import threading
import time


class Clock:
    """Seconds since 1970; `advance` brings a week's end about in no time."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._moved = threading.Condition()

    def now(self) -> float:
        """Seconds since 1970, as this double has it."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Go ahead; whoever waits is woken."""
        with self._moved:
            self._ahead += seconds
            self._moved.notify_all()

    def wait(self, seconds: float | None) -> None:
        """Wait at most so long, or until the clock was moved or `wake` was called."""
        with self._moved:
            self._moved.wait(seconds)

    def wake(self) -> None:
        """Wake whoever waits."""
        with self._moved:
            self._moved.notify_all()
