"""Where each phase of a video stands, and the events that tell of it."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.values import Frozen


class PhaseState(StrEnum):
    """Where a phase stands."""

    WAITING = "waiting"
    """What it hangs on is not there yet."""
    RUNNING = "running"
    PARKED = "parked"
    """A provider's job is running; nothing is held here."""
    DONE = "done"
    NOT_CONFIGURED = "not configured"
    SKIPPED = "skipped"
    """Optional, and failed: the timeline is made without it."""
    FAILED = "failed"
    DEAD = "dead"
    """Failed in so many runs that it is not asked again before somebody revives it."""
    CANCELLED = "cancelled"
    """Somebody cancelled it; it waits until it is asked for again."""

    @property
    def good(self) -> bool:
        """Whether what hangs on it may go on."""
        return self in (PhaseState.DONE, PhaseState.NOT_CONFIGURED, PhaseState.SKIPPED)

    @property
    def ended_badly(self) -> bool:
        """Whether it came to nothing, and will not by itself."""
        return self in (PhaseState.FAILED, PhaseState.DEAD)


class ProgressEvent(Frozen):
    """Something that happened to a phase. `sequence` counts up within a project, without gaps
    in what a reader sees: a client resumes after the last one it has."""

    sequence: int
    key: VideoKey
    phase: Phase
    state: PhaseState
    percent: int | None = Field(default=None, ge=0, le=100)
    provider: str | None = None
    message: str = ""
    run_id: str = ""
    at: datetime
