"""Holding work units while a run works on them, so that two runs never drive the same one.

A thread renews the leases; when the process dies they run out by themselves.
"""

import threading
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from video_pipeline.catalog.interface import Units
from video_pipeline.domain.errors import CatalogError
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.services import Services

_LOOK_AGAIN_SECONDS = 0.5


class Leases:
    """The leases of one run on units of one project; leaving the block gives them back."""

    def __init__(self, services: Services, units: Units) -> None:
        self._services, self._units = services, units
        self._held: set[str] = set()
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
        for unit in self._held - self._lost:
            self._units.release(unit, self._services.holder)

    def take(self, unit: str) -> WorkUnit:
        """The unit, once nobody else holds it, as it then stands."""
        while True:
            now = self._services.clock()
            until = now + timedelta(seconds=self._services.policy.lease_seconds)
            taken = self._units.claim(unit, self._services.holder, now, until)
            if taken is not None:
                with self._lock:
                    self._held.add(unit)
                return taken
            self._services.sleep(_LOOK_AGAIN_SECONDS)

    def give_back(self, unit: str) -> None:
        """Let others have a unit that has ended or parked."""
        with self._lock:
            self._held.discard(unit)
        self._units.release(unit, self._services.holder)

    def check(self, unit: str) -> None:
        """Raise CatalogError where the lease was lost: another run may be at work on it."""
        if unit in self._lost:
            raise CatalogError(
                f"the lease on work unit {unit} ran out while it was worked on",
                remedy="Another run goes on with it; see why this machine stood still.",
            )

    def _renew_all(self) -> None:
        seconds = self._services.policy.lease_seconds
        while not self._stop.wait(seconds / 4):
            with self._lock:
                held = self._held - self._lost
            until = self._services.clock() + timedelta(seconds=seconds)
            for unit in held:
                self._renew(unit, until)

    def _renew(self, unit: str, until: datetime) -> None:
        try:
            kept = self._units.renew(unit, self._services.holder, until)
        except CatalogError:
            return  # the next round tries again; the lease outlives three missed rounds
        if not kept:
            self._lost.add(unit)
