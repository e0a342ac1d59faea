"""The state of each phase of a video, and the events that report its changes."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.values import Frozen


class PhaseState(StrEnum):
    """The state of a phase."""

    # Its inputs are missing.
    WAITING = "waiting"
    RUNNING = "running"
    # A provider's job is running; no process waits for it.
    PARKED = "parked"
    DONE = "done"
    NOT_CONFIGURED = "not configured"
    # Optional, and failed: the timeline is made without it.
    SKIPPED = "skipped"
    FAILED = "failed"
    # Its run ended without an outcome, and no other run is on its way.
    INTERRUPTED = "interrupted"
    # Failed in so many runs that it is not retried before a person revives it.
    DEAD = "dead"
    # Cancelled by a person, or since its video is gone; it stays so until it is requested again.
    CANCELLED = "cancelled"

    @property
    def good(self) -> bool:
        """Return whether dependent phases may go on."""
        return self in (PhaseState.DONE, PhaseState.NOT_CONFIGURED, PhaseState.SKIPPED)

    @property
    def ended_badly(self) -> bool:
        """Return whether it ended without a result, and will not recover by itself."""
        return self in ENDED_BADLY

    @property
    def told(self) -> str:
        """Return the state as a verb: "failed", "is parked"."""
        return "failed" if self is PhaseState.FAILED else f"is {self}"


# In the order of lists of errors.
ENDED_BADLY = (PhaseState.DEAD, PhaseState.FAILED, PhaseState.INTERRUPTED)


class ProgressEvent(Frozen):
    """A change of a phase. `sequence` rises within a project without gaps.

    A client resumes after the last event that it has.
    """

    sequence: int
    key: VideoKey
    phase: Phase
    state: PhaseState
    percent: int | None = Field(default=None, ge=0, le=100)
    provider: str | None = None
    message: str = ""
    run_id: str = ""
    at: datetime
