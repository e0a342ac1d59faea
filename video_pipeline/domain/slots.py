"""What all projects share at providers: slots of a pool, and the paid seconds of a day."""

from datetime import datetime

from pydantic import Field

from video_pipeline.domain.naming.identity import ProjectId
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
    """The provider has just refused a request or did not answer."""
    queued_until: datetime | None = None
    """Until when newcomers get no slot, because others wait."""
    untaken: int = 0
    """How many requests in a row the provider refused or did not answer."""


class Budget(Frozen):
    """How many paid seconds a project and an account may use in a day; infinity for no limit."""

    project_seconds: float
    account_seconds: float
