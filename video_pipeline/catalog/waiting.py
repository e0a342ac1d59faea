"""The part of the ledger about units whose request waits to be made, as the pipeline sees it."""

import math
from collections.abc import Collection, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Protocol

from video_pipeline.domain.work import WorkUnit


class WaitingUnits(Protocol):
    """The backlog of one project, and what was left behind in it."""

    def wait(self, unit: str, reason: str, pool: str, seconds: Fraction) -> bool:
        """Note that a unit in intent waits for a slot of a pool, or for that many paid seconds of
        a day; False where it is not in intent. Repeatable: the last reason stands."""
        ...

    def let_go(self, unit: str, now: datetime) -> bool:
        """Note that a unit in intent or submitting waits no more: a run makes its request, or tells
        what is wrong with it; False where it is in neither. `ready` gives it until a run has moved
        it."""
        ...

    def put_off(self, unit: str, until: datetime, reason: str) -> None:
        """Note that the request of a unit in intent or submitting was not taken for now, which is
        counted, and not to be made again before then; why, as what it waits for, unless empty."""
        ...

    def backlog(self) -> dict[str, int]:
        """How many units wait for each pool."""
        ...

    def waiting(
        self, pool: str, now: datetime, limit: int = 1000, seconds: float | None = None
    ) -> list[WorkUnit]:
        """The units that wait for a pool and are not put off, oldest first; those only that cost at
        most so many paid seconds."""
        ...

    def explain(
        self, pool: str, reason: str, now: datetime, *, over: float = -1, up_to: float = math.inf
    ) -> None:
        """Give this reason to those that wait for a pool, are not put off, and cost more than
        `over` paid seconds and at most `up_to`, but for those whose reason begins with it."""
        ...

    def number(self, unit: WorkUnit, pool: str) -> int:
        """In which place a unit stands among those of the project that wait for a pool, from 1."""
        ...

    def abandoned(
        self, repeatable: Mapping[str, datetime], now: datetime, limit: int = 100
    ) -> list[WorkUnit]:
        """Units in submitting that nobody is at work on or was let go for, and that are not put
        off, oldest first: those for which a run waits, and those of these providers that were begun
        after the time beside."""
        ...

    def dropped(self, providers: Collection[str], limit: int = 100) -> list[WorkUnit]:
        """Units of these providers whose request was refused, and for which the process that made
        it died before it put them back into the backlog: oldest first."""
        ...
