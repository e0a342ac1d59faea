"""What Dagster has under way, and waiting until something is so."""

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
    """The runs that are at work now."""
    return instance.get_run_ids(dg.RunsFilter(statuses=AT_WORK))


def unfinished(instance: dg.DagsterInstance) -> Sequence[str]:
    """The runs that have not ended, held ones too."""
    return instance.get_run_ids(dg.RunsFilter(statuses=UNFINISHED))


class Watch:
    """Waits, and tells what changes meanwhile."""

    def __init__(self, look: Callable[[], str], seconds: float) -> None:
        self._look, self._seconds = look, seconds
        self._began, self._last = time.monotonic(), ""

    @property
    def elapsed(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began

    def until(self, there: Callable[[], bool], what: str) -> None:
        """Return once something is so. Raises TimeoutError if it is not within its patience."""
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
