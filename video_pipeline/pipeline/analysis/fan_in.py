"""Fan-in: the units that each phase of one round needs, and their outcomes.

A phase may need several units. It is complete once all of them have their pages, and fails with
the first failed one. It is parked if none failed and one still runs. Publishing happens elsewhere.
"""

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.pipeline.publishing.results import Share


@dataclass(slots=True)
class _PhaseUnits:
    """The units of one phase, and their outcomes."""

    planned: list[Planned] = field(default_factory=list[Planned])
    shares: list[Share] = field(default_factory=list[Share])
    parked: list[WorkUnit] = field(default_factory=list[WorkUnit])
    failed: bool = False

    @property
    def complete(self) -> bool:
        return not self.failed and len(self.shares) == len(self.planned)

    @property
    def only_waits(self) -> bool:
        """Return whether all of its units ended or parked, and at least one parked."""
        known = len(self.shares) + len(self.parked)
        return not self.failed and bool(self.parked) and known == len(self.planned)


class FanIn:
    """The phases of one round. Safe to use from several threads."""

    def __init__(self, planned: Iterable[Planned]) -> None:
        self._phases: dict[Phase, _PhaseUnits] = {}
        self._parked: list[tuple[Planned, WorkUnit]] = []
        self._lock = threading.Lock()
        for one in planned:
            for phase in one.phases:
                self._phases.setdefault(phase, _PhaseUnits()).planned.append(one)

    def is_wanted(self, planned: Planned) -> bool:
        """Return whether to begin a unit. A new unit whose phases have all failed is not wanted."""
        return planned.unit is not None or not self._all_failed(planned)

    def arrived(self, share: Share) -> list[tuple[Phase, list[Share]]]:
        """Record that a unit has its pages.

        Return the phases that this completes, in phase order, with their units in planned order.
        """
        mine = share.driver.planned
        with self._lock:
            served = [(p, self._phases[p]) for p in Phase if p in mine.phases]
            for _, one in served:
                one.shares.append(share)
            return [(p, _in_order(one)) for p, one in served if one.complete]

    def parked(self, planned: Planned, unit: WorkUnit) -> None:
        """Record that a unit's job still runs, or that it waits for a slot."""
        with self._lock:
            self._parked.append((planned, unit))
            for phase in planned.phases:
                self._phases[phase].parked.append(unit)

    def failed(self, phases: Collection[Phase]) -> list[Phase]:
        """Record that a unit failed or cannot be published. Return the newly failed phases."""
        with self._lock:
            fresh = [phase for phase in phases if not self._phases[phase].failed]
            for phase in fresh:
                self._phases[phase].failed = True
            return fresh

    def take_waiting(self) -> dict[Phase, list[WorkUnit]]:
        """Return the phases that only wait for jobs, with these units. Each is returned once."""
        with self._lock:
            found = {phase: one.parked for phase, one in self._phases.items() if one.only_waits}
            for phase in found:
                self._phases[phase].parked = []
            return found

    def take_orphaned(self) -> list[WorkUnit]:
        """Return the parked units whose phases have all failed. Each is returned once."""
        with self._lock:
            orphaned = [one for one in self._parked if self._all_failed(one[0])]
            self._parked = [one for one in self._parked if one not in orphaned]
            return [unit for _, unit in orphaned]

    def _all_failed(self, planned: Planned) -> bool:
        phases = planned.phases
        return bool(phases) and all(self._phases[phase].failed for phase in phases)


def _in_order(units: _PhaseUnits) -> list[Share]:
    return sorted(units.shares, key=lambda share: units.planned.index(share.driver.planned))
