"""The time of a double: the machine's, and what a test adds to it; what is done when it comes."""

import threading
import time
from collections.abc import Callable


class Clock:
    """Seconds since 1970; `advance` brings a week's end about in no time."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._changes = 0
        self._changed = threading.Condition()

    def now(self) -> float:
        """Seconds since 1970, as this double has it."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Go ahead; whoever waits is woken."""
        self._ahead += seconds
        self.wake()

    def wake(self) -> None:
        """Wake whoever waits: what they wait for may have changed."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def changes(self) -> int:
        """How often it was moved or woken so far."""
        return self._changes

    def wait(self, until: float | None, seen: int) -> None:
        """Wait for a moment (None: for ever), but not past a change after `seen` of them."""
        seconds = None if until is None else max(0, until - self.now())
        with self._changed:
            self._changed.wait_for(lambda: self._changes != seen, seconds)


class Alarm:
    """A thread that does what is due and learns from that when the next is; until it is closed."""

    def __init__(self, clock: Clock, do_due: Callable[[], float | None]) -> None:
        self._clock, self._do_due = clock, do_due
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._clock.wake()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed:
            seen = self._clock.changes()
            self._clock.wait(self._do_due(), seen)
