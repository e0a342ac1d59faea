"""Work units: one request to one provider, its states, and the allowed transitions.

    planned ─> submitting ──> running ──> ended ──> settled
      │ ^        ^  │            ^          │
      v └refused─│──┤            │          ├─> unfetched
    queued ─> admitted           │          │
      └─────> unanswered ────────┘          └─> failed | cancelled

`in_doubt` is a request whose answer was lost: it may have been accepted, so the planned usage
counts as used. docs/work-units.md has the whole diagram.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import JsonValue

from video_pipeline.domain.errors import FailureCategory, IllegalMove
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.values import Frozen


class Stage(StrEnum):
    """How far a unit's request got."""

    UNSENT = "not made"
    SENT = "made, or about to be, and its answer is not known"
    ACCEPTED = "accepted as a job"
    DOUBTED = "perhaps accepted, and not to be repeated"
    OVER = "over"


class UnitState(StrEnum):
    """The state of a work unit. STATES tells what each one means."""

    PLANNED = "planned"
    QUEUED = "queued"
    ADMITTED = "admitted"
    SUBMITTING = "submitting"
    UNANSWERED = "unanswered"
    RETURNED = "returned"
    RUNNING = "running"
    ENDED = "ended"
    UNFETCHED = "unfetched"
    IN_DOUBT = "in_doubt"
    SETTLED = "settled"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def stage(self) -> Stage:
        """Return how far the unit's request got."""
        return STATES[self].stage

    @property
    def parked(self) -> bool:
        """Return whether a phase waits for the unit without a run."""
        return STATES[self].parked

    @property
    def ready(self) -> bool:
        """Return whether the next step is that of a run."""
        return STATES[self].ready

    @property
    def final(self) -> bool:
        """Return whether nothing follows."""
        return self.stage is Stage.OVER

    @property
    def may_be_reopened(self) -> bool:
        """Return whether a new generation may follow."""
        return self in (UnitState.FAILED, UnitState.CANCELLED)


@dataclass(frozen=True, slots=True)
class StateSpec:
    """What a state means."""

    stage: Stage
    meaning: str
    parked: bool = False
    ready: bool = False


_S, _G = UnitState, Stage
STATES: dict[UnitState, StateSpec] = {
    _S.PLANNED: StateSpec(_G.UNSENT, "a run is about to ask for a slot"),
    _S.QUEUED: StateSpec(
        _G.UNSENT, "it waits in the backlog for a slot, paid minutes or its provider", parked=True
    ),
    _S.ADMITTED: StateSpec(_G.UNSENT, "it left the backlog; a run makes its request", ready=True),
    _S.SUBMITTING: StateSpec(_G.SENT, "a run makes its request"),
    _S.UNANSWERED: StateSpec(
        _G.SENT, "the sweep makes its request, or repeats it with the same token", parked=True
    ),
    _S.RETURNED: StateSpec(
        _G.SENT, "the sweep may not repeat its request; a run decides", ready=True
    ),
    _S.RUNNING: StateSpec(_G.ACCEPTED, "its job runs", parked=True),
    _S.ENDED: StateSpec(
        _G.ACCEPTED, "its job has ended; a run fetches the result", parked=True, ready=True
    ),
    _S.UNFETCHED: StateSpec(_G.ACCEPTED, "its result could not be fetched yet", parked=True),
    _S.IN_DOUBT: StateSpec(_G.DOUBTED, "it may have been billed; a person must look"),
    _S.SETTLED: StateSpec(_G.OVER, "its result is stored, and its usage counted"),
    _S.FAILED: StateSpec(_G.OVER, "it ended without a result"),
    _S.CANCELLED: StateSpec(_G.OVER, "a person or a newer request ended it"),
}
_UNSENT = frozenset({_S.PLANNED, _S.QUEUED, _S.ADMITTED})
_JOB = frozenset({_S.RUNNING, _S.ENDED, _S.UNFETCHED})
_OVER = frozenset({_S.SETTLED, _S.FAILED, _S.CANCELLED})
NEXT: dict[Stage, frozenset[UnitState]] = {
    _G.UNSENT: _UNSENT | {_S.SUBMITTING, _S.UNANSWERED, _S.FAILED, _S.CANCELLED},
    _G.SENT: frozenset({_S.PLANNED, _S.RETURNED, _S.RUNNING, _S.IN_DOUBT}) | _OVER,
    _G.ACCEPTED: _JOB | _OVER,
    _G.DOUBTED: _OVER,
    _G.OVER: frozenset(),
}
"""The states that may follow, by how far the request got."""


def states_in(*stages: Stage) -> frozenset[UnitState]:
    """Return the states of these stages."""
    return frozenset(state for state in UnitState if state.stage in stages)


def check_move(unit: str, before: UnitState, after: UnitState) -> None:
    """Raise IllegalMove unless NEXT allows this transition."""
    if after not in NEXT[before.stage]:
        raise IllegalMove(
            f"work unit {unit} cannot go from {before} to {after}",
            remedy="Look it up with `video-pipeline show` and force it if it must be made again.",
        )


class WorkRequest(Frozen):
    """What identifies a request to a provider, except its generation."""

    key: VideoKey
    content: str  # SHA-256 of the source
    provider: str  # the instance's name in pipeline.yaml
    # Without its version: a newer plugin reads what an older one paid for.
    plugin: str
    account: str
    region: str
    operation: str
    phases: tuple[Phase, ...]
    kinds: tuple[str, ...]
    parameters: dict[str, JsonValue]
    model: str

    @property
    def digest(self) -> str:
        """Return 40 hex digits over all fields in canonical form."""
        return _digest(self.model_dump(mode="json"))

    def is_at(self, account: str, region: str) -> bool:
        """Return whether a client of this account and region may reach the request's job.

        Two account numbers must be equal. A name, such as a profile's, may be any account.
        """
        numbers = account.isdigit() and self.account.isdigit()
        return region == self.region and (account == self.account or not numbers)


def unit_id(request: WorkRequest, generation: int) -> str:
    """Return the id of a work unit: 40 hex digits, usable as idempotency token or job name."""
    return _digest({"request": request.digest, "generation": generation})


def choice_hash(plugin: str, model: str, options: dict[str, Any]) -> str:
    """Return the hash that tells whether a result was made by today's plugin, model and options."""
    return _digest({"plugin": plugin, "model": model, "options": options})[:16]


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:40]


class UnitFailure(Frozen):
    """Why a unit ended without a result, for people."""

    category: FailureCategory
    message: str


class WaitKind(StrEnum):
    """What a work unit waits for."""

    SLOT = "slot"
    MINUTES = "minutes"
    """Paid minutes: those of today are used up."""
    LIMIT = "limit"
    """A higher limit of paid minutes: those of a whole day are too few."""
    ROOM = "room"
    """Its provider is full or throttles."""
    PROVIDER = "provider"
    """Its provider does not answer."""
    JOB = "job"
    RESULT = "result"
    """A result that could not be fetched."""


DEFERRALS = frozenset({WaitKind.ROOM, WaitKind.PROVIDER})
"""The waits after a refused request: nothing is tried before `until`."""


class Wait(Frozen):
    """What a work unit waits for, and until when at the earliest. jobs/wording.py has the words."""

    kind: WaitKind
    until: datetime | None = None
    scope: str = ""  # whose slots, minutes or answer
    limit: float | None = None  # how many slots or minutes there are
    detail: str = ""  # the provider's words, the place in the queue, the option to raise


class WorkUnit(Frozen):
    """A row of the ledger: a request, its state, and its usage."""

    id: str
    request: WorkRequest
    generation: int
    state: UnitState
    job: str | None = None  # the provider's name for it
    planned: tuple[Usage, ...]
    settled: tuple[Usage, ...] = ()
    failure: UnitFailure | None = None
    attempts: int = 0  # submissions
    wait: Wait | None = None
    refusals: int = 0  # submissions that the provider refused or did not answer
    fetch_failures: int = 0  # failed attempts to fetch the result
    holder: str | None = None
    leased_until: datetime | None = None
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime | None = None
    refused_at: datetime | None = None  # when its provider last refused a request, and had none
    # The id of the run that forced a new generation after an earlier one had settled.
    forced_by: str = ""
    # Orphaned: no run needs it, and the provider cannot cancel it. Its usage is still recorded.
    unwanted: bool = False

    @property
    def due_at(self) -> datetime | None:
        """Return when its job is polled or its request tried next, if a time is set."""
        return self.wait.until if self.wait else None


class UnitFilter(Frozen):
    """Select work units by state and, unless None, by provider and video."""

    states: frozenset[UnitState]
    provider: str | None = None
    video: str | None = None


class UnitSum(Frozen):
    """The work units of one provider in one state."""

    provider: str
    state: UnitState
    units: int
    planned: tuple[Usage, ...]  # summed by meter, paid and unpaid apart
