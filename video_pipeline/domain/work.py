"""Work units: one request to one provider, its states, and the allowed transitions.

    intent ──> submitting ──> running ──> settled
       ^           │  │          │
       └─throttled─┘  └──────────┴─> failed | cancelled | in_doubt

`in_doubt` is a request whose answer was lost: it may have been accepted, so the planned usage
counts as used.
"""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import JsonValue

from video_pipeline.domain.errors import FailureCategory, IllegalMove
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.values import Frozen


class UnitState(StrEnum):
    """The state of a work unit."""

    INTENT = "intent"
    SUBMITTING = "submitting"
    RUNNING = "running"
    SETTLED = "settled"
    FAILED = "failed"
    CANCELLED = "cancelled"
    IN_DOUBT = "in_doubt"

    @property
    def ended(self) -> bool:
        """Return whether the state is final."""
        return self in (UnitState.SETTLED, UnitState.FAILED, UnitState.CANCELLED)

    @property
    def may_be_reopened(self) -> bool:
        """Return whether a new generation may follow."""
        return self in (UnitState.FAILED, UnitState.CANCELLED)


_S = UnitState
MOVES: dict[UnitState, frozenset[UnitState]] = {
    _S.INTENT: frozenset({_S.SUBMITTING, _S.FAILED, _S.CANCELLED}),
    _S.SUBMITTING: frozenset(
        {_S.INTENT, _S.RUNNING, _S.SETTLED, _S.FAILED, _S.CANCELLED, _S.IN_DOUBT}
    ),
    _S.RUNNING: frozenset({_S.SETTLED, _S.FAILED, _S.CANCELLED}),
    _S.IN_DOUBT: frozenset({_S.SETTLED, _S.FAILED, _S.CANCELLED}),
    _S.SETTLED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}


def check_move(unit: str, before: UnitState, after: UnitState) -> None:
    """Raise IllegalMove unless MOVES allows this transition."""
    if after not in MOVES[before]:
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
    # Why a unit in the backlog is not submitted yet, such as no free slot or a used-up budget. Of a
    # running unit: why the result of its job could not be fetched yet.
    waiting: str = ""
    untaken: int = 0  # submissions that the provider refused or did not answer
    unfetched: int = 0  # failed attempts to fetch the result
    holder: str | None = None
    leased_until: datetime | None = None
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime | None = None
    # When a running job is polled next. Of a deferred request: its earliest retry without a run.
    poll_at: datetime | None = None
    # The job has ended, or a waiting unit needs a run. Set by a hint or a sweep.
    ready: bool = False
    # The id of the run that forced a new generation after an earlier one had settled.
    forced_by: str = ""
    # Orphaned: no run needs it, and the provider cannot cancel it. Its usage is still recorded.
    unwanted: bool = False

    @property
    def parked(self) -> bool:
        """Return whether a phase may park on it: its job runs, or it is in the backlog."""
        return self.state is UnitState.RUNNING or bool(self.waiting)


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
