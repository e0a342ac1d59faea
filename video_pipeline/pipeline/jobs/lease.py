"""Lease work units while a run works on them, so that two runs never drive the same one.

A thread renews the leases. After a crash they expire by the catalogue's clock. A holder counts from
before its claim, by a monotonic clock: it treats a lease as expired before any other can claim it,
whatever the machines' clocks show. The clocks must run at the same rate. Those of MongoDB's members
must differ by less than a lease, for the case that another member takes over.
"""

import logging
import threading
from datetime import timedelta
from itertools import count
from types import TracebackType
from typing import Self

from video_pipeline.catalog.units import Units
from video_pipeline.domain.errors import CatalogError
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.services import Services

_log = logging.getLogger(__name__)
_RETRY_SECONDS = 0.5
_NUMBERS = count()
# How often the log says who holds a lease that is waited for.
_REPORT_SECONDS = 600.0
# The longest wait for a live holder, which renews its lease. One decode may take 4 h (MediaLimits),
# and a run has a few of them; a job at a provider holds no lease.
TAKE_SECONDS = 86_400.0


class Leases:
    """The leases of one run on units of one project, released at the end of the block."""

    def __init__(self, services: Services, units: Units) -> None:
        self._services, self._units, self._elapsed = services, units, services.elapsed
        # Of this object alone: a thread of the same process may hold a unit too.
        self._holder = f"{services.holder}:{next(_NUMBERS)}"
        self._seconds = services.policy.lease_seconds
        self._lease = timedelta(seconds=self._seconds)
        # When each lease expires, in elapsed seconds.
        self._held: dict[str, float] = {}
        self._lost: set[str] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew_all, name="leases", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        for unit in self._held.keys() - self._lost:
            self._units.release(unit, self._holder)

    def take(self, unit: str) -> WorkUnit:
        """Wait until the unit is free, lease it, and return it as it is then.

        Raises CatalogError if other processes hold it for TAKE_SECONDS.
        """
        began = report_at = self._elapsed()
        while (taken := self.try_take(unit)) is None:
            now = self._elapsed()
            if now >= report_at:
                report_at = now + _REPORT_SECONDS
                _log.warning("work unit %s: waiting for %s, which holds it", *self._held_by(unit))
            if now - began >= TAKE_SECONDS:
                raise self._never_free(unit)
            self._services.sleep(_RETRY_SECONDS)
        return taken

    def _held_by(self, unit: str) -> tuple[str, str]:
        found = self._units.get(unit)
        return unit, (found and found.holder) or "a process that has just ended"

    def _never_free(self, unit: str) -> CatalogError:
        return CatalogError(
            f"other processes held it for {TAKE_SECONDS / 3600:g} h, now {self._held_by(unit)[1]}",
            where=f"work unit {unit}",
            remedy="Look at that process (host:process id:a random part) and end it if it hangs: "
            f"its lease expires {self._seconds:g} s later. Then run the phase again.",
        )

    def try_take(self, unit: str) -> WorkUnit | None:
        """Lease the unit and return it, or None if another holder has it."""
        until = self._elapsed() + self._seconds
        taken = self._units.claim(unit, self._holder, self._lease)
        if taken is not None:
            with self._lock:
                self._held[unit] = until
        return taken

    def release(self, unit: str) -> None:
        """Release the lease on a unit that has ended or parked."""
        with self._lock:
            self._held.pop(unit, None)
        self._units.release(unit, self._holder)

    def check(self, unit: str) -> None:
        """Renew the lease if it may have expired. Raises CatalogError if it is lost."""
        if unit not in self._lost and self._held.get(unit, 0.0) <= self._elapsed():
            self._renew(unit)
        if unit in self._lost:
            raise CatalogError(
                f"the lease on work unit {unit} expired during this run",
                remedy="Nothing is lost: another run continues it. Find out why this process was "
                "paused or cut off from MongoDB.",
            )

    def _renew_all(self) -> None:
        while not self._stop.wait(self._seconds / 4):
            with self._lock:
                held = self._held.keys() - self._lost
            for unit in held:
                try:
                    self._renew(unit)
                except CatalogError:
                    break  # the next round tries again: a lease outlasts three missed rounds

    def _renew(self, unit: str) -> None:
        until = self._elapsed() + self._seconds
        if not self._units.renew(unit, self._holder, self._lease):
            self._lost.add(unit)
            return
        with self._lock:
            if unit in self._held:
                self._held[unit] = until
