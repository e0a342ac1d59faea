"""The time of a double, which a test can advance, and a thread for what is due."""

import threading
import time
from collections.abc import Callable


class Clock:
    """Seconds since 1970."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._changes = 0
        self._changed = threading.Condition()

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move ahead, and wake all waiting threads."""
        self._ahead += seconds
        self.wake()

    def wake(self) -> None:
        """Wake all waiting threads: what they wait for may have changed."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def changes(self) -> int:
        """Return how often the clock was moved or woken."""
        return self._changes

    def wait(self, until: float | None, seen: int) -> None:
        """Wait until a time (None: for ever), or until a change after `seen` of them."""
        seconds = None if until is None else max(0, until - self.now())
        with self._changed:
            self._changed.wait_for(lambda: self._changes != seen, seconds)


class Alarm:
    """A thread that calls `do_due`, which returns when to call it next, until it is closed."""

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
