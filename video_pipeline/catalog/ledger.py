"""The ledger of one project's work units, as the pipeline sees it. What waits for its turn is in
waiting.py.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Protocol

from video_pipeline.catalog.waiting import WaitingUnits
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit


class UnitFilter(Frozen):
    """Which work units somebody looks for."""

    states: frozenset[UnitState]
    provider: str | None = None
    video: str | None = None


class UnitSum(Frozen):
    """The work units of one provider in one state."""

    provider: str
    state: UnitState
    units: int
    planned: tuple[Usage, ...]
    """A sum for each meter, paid and unpaid apart."""


class Units(WaitingUnits, Protocol):
    """The ledger of one project's work units."""

    def latest(self, request: WorkRequest) -> WorkUnit | None:
        """The row of the highest generation of this request."""
        ...

    def was_settled(self, request: WorkRequest, forced_by: str) -> bool:
        """Whether a generation of this request that was forced by this has been settled."""
        ...

    def open(
        self,
        request: WorkRequest,
        generation: int,
        planned: tuple[Usage, ...],
        now: datetime,
        *,
        forced_by: str = "",
    ) -> WorkUnit:
        """The row of this request and generation, made in state intent where it is not there."""
        ...

    def get(self, unit: str) -> WorkUnit | None: ...

    def among(self, units: Collection[str]) -> dict[str, WorkUnit]:
        """Those of these units that there are, in one read, by their ids."""
        ...

    def claim(self, unit: str, holder: str, lease: timedelta) -> WorkUnit | None:
        """Take the lease where nobody else holds one; None where somebody does.

        Leases begin and end by the catalogue's own clock, whatever the clocks of their holders.
        """
        ...

    def renew(self, unit: str, holder: str, lease: timedelta) -> bool:
        """Let one's own lease end that much from now; False where it is lost."""
        ...

    def release(self, unit: str, holder: str) -> None:
        """Give one's own lease back."""
        ...

    def move(self, unit: WorkUnit, state: UnitState, now: datetime, **changes: Any) -> WorkUnit:
        """Go to a state, with changes to other fields of the row, in one atomic step.

        Raises IllegalMove for a move that work.MOVES does not have, or where the row has been
        moved by another since `unit` was read.
        """
        ...

    def mark_ready(self, unit: str, now: datetime) -> bool:
        """Note that a running unit's job has ended; False where it is not running. Repeatable."""
        ...

    def postpone(self, unit: str, poll_at: datetime, unfetched: str = "") -> None:
        """Look a running unit up again then, and do not take it for ready before. `unfetched`, why
        its result could not be fetched, is what it waits for from then on, and is counted."""
        ...

    def set_unwanted(self, unit: str, unwanted: bool) -> bool:
        """Note whether anybody waits for a unit; False where it has ended, or is in doubt."""
        ...

    def by_job(self, provider: str, job: str) -> WorkUnit | None:
        """The unit that a provider's job belongs to."""
        ...

    def due(self, now: datetime, limit: int = 100) -> list[WorkUnit]:
        """Running units not yet ready with `poll_at` at or before now, longest overdue first."""
        ...

    def ready(self, limit: int = 1000) -> list[WorkUnit]:
        """Running units whose job has ended, and units that were let go, which no run has consumed
        yet."""
        ...

    def of_video(self, video: str) -> list[WorkUnit]:
        """All units of one video, oldest first."""
        ...

    def in_state(self, state: UnitState, limit: int = 1000) -> list[WorkUnit]:
        """Units in a state, oldest first."""
        ...

    def listing(
        self, wanted: UnitFilter, after: WorkUnit | None = None, limit: int = 1000
    ) -> list[WorkUnit]:
        """Units that are wanted, oldest first, from the one that comes next after this one."""
        ...

    def sums(self, wanted: UnitFilter) -> list[UnitSum]:
        """How many there are and what they plan to use, by provider and state."""
        ...
