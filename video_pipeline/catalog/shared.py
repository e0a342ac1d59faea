"""What all projects of a deployment share, as the pipeline sees it: slots and paid seconds.

The one repository that is not bound to a project. Its implementation, and why, is in admissions.py.
"""

from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Protocol

from pydantic import Field

from video_pipeline.domain.identity import ProjectId
from video_pipeline.domain.values import Frozen


class Slot(Frozen):
    """One of a pool's slots that is held."""

    project: ProjectId
    unit: str
    since: datetime


class Pool(Frozen):
    """The slots of one account and region at a provider, as they stand."""

    name: str
    holders: tuple[Slot, ...] = ()
    served: dict[str, datetime] = Field(default_factory=dict[str, datetime])
    """When each project last got a slot."""
    paused: bool = False
    """The provider has just said that it has no room, or does not answer."""
    queued_until: datetime | None = None
    untaken: int = 0
    """How many requests in a row were not taken: the provider had no room, or was not heard."""


class Budget(Frozen):
    """How many paid seconds a project and an account may use in a day; infinity for no limit."""

    project_seconds: float
    account_seconds: float


class Admissions(Protocol):
    """What all projects of a deployment share: slots at providers, and the paid seconds of a day.

    The one repository that is not bound to a project: these bounds are over all of them.
    """

    def take(
        self,
        pool: str,
        limit: int,
        project: str,
        unit: str,
        lease: timedelta,
        *,
        newcomer: bool = False,
    ) -> bool:
        """Take a slot where fewer than `limit` are held, or go on holding one's own; False where
        none is free, the pool is paused, or a newcomer would pass others that wait.

        The slot lasts until it is freed: its lease only says until when a unit may hold one whose
        request is not begun yet.
        """
        ...

    def free(self, pool: str, unit: str) -> None:
        """Give a slot back, if it is held. Repeatable."""
        ...

    def free_expired(self, pool: str, unit: str) -> None:
        """The same, where its lease has ended."""
        ...

    def pause(self, pool: str, seconds: float) -> None:
        """Give nobody a slot for so long: the provider did not take a request, which is counted."""
        ...

    def answered(self, pool: str) -> None:
        """Note that the provider took a request."""
        ...

    def nobody_waits(self, pool: Pool) -> None:
        """Let newcomers have slots again, unless somebody was refused since `pool` was read."""
        ...

    def pools(self, *names: str) -> list[Pool]:
        """These pools as far as anybody has asked for them; without names, all."""
        ...

    def reserve(
        self, unit: str, project: str, account: str, seconds: Fraction, budget: Budget, day: date
    ) -> str | None:
        """Count paid seconds among those of a day, of the project and of the account, or of none
        of them: whose are used up, `project` or `account`, None where they are counted. A unit is
        counted once, however often and on whatever day it is asked for again."""
        ...

    def give_back(self, unit: str) -> None:
        """Take a unit's seconds out of what they were counted among. Repeatable."""
        ...

    def used(
        self, day: date, *, project: str | None = None, account: str | None = None
    ) -> Fraction:
        """The paid seconds that were reserved on a day, of a project or of an account."""
        ...
