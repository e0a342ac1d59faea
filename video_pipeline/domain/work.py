"""Work units: one request to one provider, its states, and the moves its life allows.

    intent ──> submitting ──> running ──> settled
       ^           │  │          │
       └─throttled─┘  └──────────┴─> failed | cancelled | in_doubt

`in_doubt` is a request that may have been taken and billed although nobody heard the answer: what
was planned counts as used.
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
    """Where a work unit stands."""

    INTENT = "intent"
    SUBMITTING = "submitting"
    RUNNING = "running"
    SETTLED = "settled"
    FAILED = "failed"
    CANCELLED = "cancelled"
    IN_DOUBT = "in_doubt"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self in (UnitState.SETTLED, UnitState.FAILED, UnitState.CANCELLED)

    @property
    def may_be_reopened(self) -> bool:
        """Whether a new generation may follow it."""
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
    """Raise IllegalMove unless a unit may go from one state to the other."""
    if after not in MOVES[before]:
        raise IllegalMove(
            f"work unit {unit} cannot go from {before} to {after}",
            remedy="Look it up with `video-pipeline show` and force it if it must be made again.",
        )


class WorkRequest(Frozen):
    """What identifies a request to a provider, but for its generation."""

    key: VideoKey
    content: str
    """SHA-256 of the source."""
    provider: str
    """The instance's name in pipeline.yaml."""
    plugin: str
    """The plugin's name. Not its version: what was bought is read again by a newer one."""
    account: str
    region: str
    operation: str
    phases: tuple[Phase, ...]
    kinds: tuple[str, ...]
    parameters: dict[str, JsonValue]
    model: str

    @property
    def digest(self) -> str:
        """40 hex digits over everything above, in canonical form."""
        return _digest(self.model_dump(mode="json"))

    def is_at(self, account: str, region: str) -> bool:
        """Whether who works there can be asked about it. Two numbers of accounts tell two
        accounts apart; any other name, such as a profile's, may stand for the same account."""
        numbers = account.isdigit() and self.account.isdigit()
        return region == self.region and (account == self.account or not numbers)


def unit_id(request: WorkRequest, generation: int) -> str:
    """The identity of one work unit: 40 hex digits, fit as an idempotency token or job name."""
    return _digest({"request": request.digest, "generation": generation})


def choice_hash(plugin: str, model: str, options: dict[str, Any]) -> str:
    """What tells whether a result was made by today's choice of plugin, version and options."""
    return _digest({"plugin": plugin, "model": model, "options": options})[:16]


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:40]


class UnitFailure(Frozen):
    """Why a unit ended without a result, as people read it."""

    category: FailureCategory
    message: str


class WorkUnit(Frozen):
    """A row of the ledger: a request, where it stands, and what it uses."""

    id: str
    request: WorkRequest
    generation: int
    state: UnitState
    job: str | None = None
    """The provider's own name for the job."""
    planned: tuple[Usage, ...]
    settled: tuple[Usage, ...] = ()
    failure: UnitFailure | None = None
    attempts: int = 0
    """How often it was submitted."""
    waiting: str = ""
    """Why its request is not made yet: no slot is free, or the day's paid minutes are used up. It
    is made once its turn has come; the phase is parked meanwhile. Or, while it runs, why the result
    of its job could not be fetched yet."""
    untaken: int = 0
    """How often its provider did not take the request for now: it had no room, or was not heard."""
    unfetched: int = 0
    """How often the result of its job could not be fetched."""
    holder: str | None = None
    leased_until: datetime | None = None
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime | None = None
    poll_at: datetime | None = None
    """When a running job is looked up, at the latest. Of a request that was not taken: before when
    it is not made again without a run."""
    ready: bool = False
    """A hint or a sweep found that the job has ended, or that a waiting unit is a run's turn."""
    forced_by: str = ""
    """What asked for it although its request had been settled before: a run's id."""
    unwanted: bool = False
    """Nobody waits for it, and the provider cannot stop it: its backfill was cancelled, or its
    phase failed by another unit. What it comes to is counted and kept, and starts nothing."""

    @property
    def parked(self) -> bool:
        """Whether a phase may wait for it: its job runs, or its turn comes by itself."""
        return self.state is UnitState.RUNNING or bool(self.waiting)


class UnitFilter(Frozen):
    """Selects work units by state and, unless None, by provider and video."""

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
