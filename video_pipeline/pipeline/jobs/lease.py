"""Holding work units while a run works on them, so that two runs never drive the same one.

A thread renews the leases; when the process dies they run out by themselves, by the catalogue's
clock. A holder counts from before it asked, by a clock that nobody sets: it knows that its lease
may have ended before anybody else can take it, however far the clocks of the machines are apart.
What that needs is that seconds are as long everywhere, and, where another member of MongoDB's
replica set takes over, that the clocks of its members differ by less than a lease.
"""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self

from video_pipeline.catalog.units import Units
from video_pipeline.domain.errors import CatalogError
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.services import Services

_LOOK_AGAIN_SECONDS = 0.5


class Leases:
    """The leases of one run on units of one project; leaving the block gives them back.

    `elapsed` gives seconds that only ever grow.
    """

    def __init__(
        self, services: Services, units: Units, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._services, self._units, self._elapsed = services, units, elapsed
        self._seconds = services.policy.lease_seconds
        self._held: dict[str, float] = {}
        """Until when each lease lasts, in elapsed seconds."""
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
            self._units.release(unit, self._services.holder)

    def take(self, unit: str) -> WorkUnit:
        """The unit, once nobody else holds it, as it then stands."""
        while True:
            taken = self.try_take(unit)
            if taken is not None:
                return taken
            self._services.sleep(_LOOK_AGAIN_SECONDS)

    def try_take(self, unit: str) -> WorkUnit | None:
        """The same, but None where somebody else holds it now."""
        until = self._elapsed() + self._seconds
        taken = self._units.claim(unit, self._services.holder, self._lease)
        if taken is not None:
            with self._lock:
                self._held[unit] = until
        return taken

    def give_back(self, unit: str) -> None:
        """Let others have a unit that has ended or parked."""
        with self._lock:
            self._held.pop(unit, None)
        self._units.release(unit, self._services.holder)

    def check(self, unit: str) -> None:
        """Return while the lease lasts; one that may have ended is renewed first. Raises
        CatalogError where it was lost: another run may be at work on the unit."""
        if unit not in self._lost and self._held.get(unit, 0.0) <= self._elapsed():
            self._renew(unit)
        if unit in self._lost:
            raise CatalogError(
                f"the lease on work unit {unit} ran out while it was worked on",
                remedy="Another run goes on with it; see why this machine stood still.",
            )

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self._seconds)

    def _renew_all(self) -> None:
        while not self._stop.wait(self._seconds / 4):
            with self._lock:
                held = self._held.keys() - self._lost
            for unit in held:
                try:
                    self._renew(unit)
                except CatalogError:
                    break  # the next round tries again; a lease outlives three missed rounds

    def _renew(self, unit: str) -> None:
        until = self._elapsed() + self._seconds
        if not self._units.renew(unit, self._services.holder, self._lease):
            self._lost.add(unit)
            return
        with self._lock:
            if unit in self._held:
                self._held[unit] = until
