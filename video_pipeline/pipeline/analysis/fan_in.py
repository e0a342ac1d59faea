"""Which units the phases of one round hang on, and what has become of them.

A phase that a provider serves by several units is published once all of them have their pages. It
fails with the first that fails, and is parked where none failed and one still runs. Nothing is
published or told here.
"""

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.pipeline.publishing.results import Share


@dataclass(slots=True)
class _Gathered:
    """One phase: its units, and what became of them."""

    planned: list[Planned] = field(default_factory=list[Planned])
    shares: list[Share] = field(default_factory=list[Share])
    parked: list[WorkUnit] = field(default_factory=list[WorkUnit])
    failed: bool = False

    @property
    def complete(self) -> bool:
        return not self.failed and len(self.shares) == len(self.planned)

    @property
    def waits(self) -> bool:
        """Whether nothing more comes of it in this round."""
        known = len(self.shares) + len(self.parked)
        return not self.failed and bool(self.parked) and known == len(self.planned)


class Gathering:
    """The phases that are asked for in one round. Several threads may tell it what came."""

    def __init__(self, planned: Iterable[Planned]) -> None:
        self._phases: dict[Phase, _Gathered] = {}
        self._parked: list[tuple[Planned, WorkUnit]] = []
        self._lock = threading.Lock()
        for one in planned:
            for phase in one.phases:
                self._phases.setdefault(phase, _Gathered()).planned.append(one)

    def is_wanted(self, planned: Planned) -> bool:
        """Whether to begin with a unit: not with a fresh one all of whose phases have failed."""
        return planned.unit is not None or not self._all_failed(planned)

    def arrived(self, share: Share) -> list[tuple[Phase, list[Share]]]:
        """A unit has its pages: the phases that are complete by that, along the road, each with
        its units in the order in which they were planned."""
        mine = share.driver.planned
        with self._lock:
            served = [(p, self._phases[p]) for p in Phase if p in mine.phases]
            for _, one in served:
                one.shares.append(share)
            return [(p, _in_order(one)) for p, one in served if one.complete]

    def parked(self, planned: Planned, unit: WorkUnit) -> None:
        """A unit's job runs on without us, or its turn has not come."""
        with self._lock:
            self._parked.append((planned, unit))
            for phase in planned.phases:
                self._phases[phase].parked.append(unit)

    def failed(self, phases: Collection[Phase]) -> list[Phase]:
        """A unit failed, or what it says cannot be published: those that had not failed yet."""
        with self._lock:
            fresh = [phase for phase in phases if not self._phases[phase].failed]
            for phase in fresh:
                self._phases[phase].failed = True
            return fresh

    def take_waiting(self) -> dict[Phase, list[WorkUnit]]:
        """The phases that only wait for jobs now, with the units; each is told of once."""
        with self._lock:
            found = {phase: one.parked for phase, one in self._phases.items() if one.waits}
            for phase in found:
                self._phases[phase].parked = []
            return found

    def take_left_behind(self) -> list[WorkUnit]:
        """Units whose jobs run on although each phase that they serve has failed, told of once."""
        with self._lock:
            left = [one for one in self._parked if self._all_failed(one[0])]
            self._parked = [one for one in self._parked if one not in left]
            return [unit for _, unit in left]

    def _all_failed(self, planned: Planned) -> bool:
        phases = planned.phases
        return bool(phases) and all(self._phases[phase].failed for phase in phases)


def _in_order(gathered: _Gathered) -> list[Share]:
    return sorted(gathered.shares, key=lambda share: gathered.planned.index(share.driver.planned))
