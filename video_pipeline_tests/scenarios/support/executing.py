"""Runs in progress, and a wait for conditions."""

import time
from collections.abc import Callable, Sequence

import dagster as dg

AT_WORK = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
UNFINISHED = [*AT_WORK, dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]


def executing(instance: dg.DagsterInstance) -> Sequence[str]:
    """Return the ids of the runs in progress."""
    return instance.get_run_ids(dg.RunsFilter(statuses=AT_WORK))


def unfinished(instance: dg.DagsterInstance) -> Sequence[str]:
    """Return the ids of the runs that have not ended, including held ones."""
    return instance.get_run_ids(dg.RunsFilter(statuses=UNFINISHED))


class Watch:
    """Waits for conditions, and prints changes meanwhile."""

    def __init__(self, look: Callable[[], str], seconds: float) -> None:
        self._look, self._seconds = look, seconds
        self._began, self._last = time.monotonic(), ""

    @property
    def elapsed(self) -> float:
        """Return the seconds since this object was made."""
        return time.monotonic() - self._began

    def until(self, there: Callable[[], bool], what: str) -> None:
        """Wait for a condition. Raises TimeoutError if it is not met in time."""
        until = time.monotonic() + self._seconds
        while not there():
            if time.monotonic() > until:
                raise TimeoutError(f"not within {self._seconds} s: {what}; {self._last}")
            self._tell()
            time.sleep(3)
        self._tell()
        print(f"{self.elapsed:5.0f} s  {what}", flush=True)

    def _tell(self) -> None:
        told = self._look()
        if told != self._last:
            self._last = told
            print(f"{self.elapsed:5.0f} s  {told}", flush=True)
