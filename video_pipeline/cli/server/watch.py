"""Bringing back the parts of a deployment, however often they end or stand still."""

import contextlib
import time
from collections.abc import Callable, Sequence

import psutil

from video_pipeline.cli.console import out
from video_pipeline.domain.errors import PipelineError

# The pause after a failure, doubled after each further one. The longest is short beside what a
# start of Dagster takes, so that a person who has freed a disk does not wait.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
# A part that has worked for so long works again: its next failure is a new one.
_SETTLED_SECONDS = 30.0


def tell(line: str) -> None:
    """Print a line. A full disk or a closed pipe behind the output is no reason to end."""
    with contextlib.suppress(OSError, SystemExit):
        out.print(line, markup=False, soft_wrap=True)


class Part:
    """A part of a deployment, which is brought back until it works.

    `keep` does nothing if the part works, starts it if it has ended, and raises if that fails.
    """

    def __init__(
        self,
        name: str,
        keep: Callable[[], None],
        tell: Callable[[str], None] = tell,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._keep, self._tell, self._clock = name, keep, tell, clock
        self._told = ""
        self._pause, self._next = 0.0, clock()
        self._works_since: float | None = None

    def look(self) -> None:
        """Bring the part back if it does not work, unless the pause after a failure lasts.

        Tells once what is wrong, and once that it works again.
        """
        if self._clock() < self._next:
            return
        try:
            self._keep()
        except Exception as error:  # noqa: BLE001 - no failure of a part may end the others
            self._has_failed(error)
        else:
            self._has_worked()

    def _has_failed(self, error: Exception) -> None:
        self._works_since = None
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._next = self._clock() + self._pause
        said = str(error) or type(error).__name__
        what = error.what.splitlines()[0] if isinstance(error, PipelineError) else said
        if what != self._told:
            self._told = what
            self._tell(f"{self._name} does not work, and is tried again until it does: {said}")

    def _has_worked(self) -> None:
        now = self._clock()
        if self._works_since is None:
            self._works_since = now
        if self._told and now - self._works_since >= _SETTLED_SECONDS:
            self._told, self._pause = "", 0.0
            self._tell(f"{self._name} works again.")


def look_after(parts: Sequence[Part], reap: Callable[[], None]) -> None:
    """Look at each part once, and collect processes that have ended."""
    for part in parts:
        part.look()
    with contextlib.suppress(OSError, psutil.Error):  # such as too many open files
        reap()
