"""Limits at providers that all projects share: slots of a pool, and paid seconds of a day."""

from datetime import datetime

from pydantic import Field

from video_pipeline.domain.naming.identity import ProjectId
from video_pipeline.domain.values import Frozen


class Slot(Frozen):
    """A slot of a pool, held by a unit."""

    project: ProjectId
    unit: str
    since: datetime


class Pool(Frozen):
    """The slots of one account and region at a provider."""

    name: str
    holders: tuple[Slot, ...] = ()
    # When each project last got a slot.
    served: dict[str, datetime] = Field(default_factory=dict[str, datetime])
    # After a request that the provider refused or did not answer.
    paused: bool = False
    # Until then newcomers get no slot, because others wait.
    queued_until: datetime | None = None
    # Consecutive requests that the provider refused or did not answer.
    refusals: int = 0


class Budget(Frozen):
    """Paid seconds of a day for a project and an account; infinity for no limit."""

    project_seconds: float
    account_seconds: float
