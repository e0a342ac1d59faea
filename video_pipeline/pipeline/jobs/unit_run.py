"""The life of one work unit in one run: from its row to raw pages, or parked, or failed.

The row is written before anything is asked of a provider. Each durable step is told by name to
`Services.on_step`: planned, opened, submitting, submitted, fetched, stored, published, settled.
How jobs are submitted and looked up is in job.py.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from video_pipeline.domain.errors import (
    FailureCategory,
    InDoubt,
    PipelineError,
    ProviderError,
    Unheard,
)
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.work import UnitFailure, UnitState, WorkUnit
from video_pipeline.pipeline.admission import backoff, slots
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs

Standing = Literal["ready", "start", "running"]
"""Raw pages are there; the request must be made; a job runs or has ended at the provider."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


class UnitDriver:
    """Drives one unit, which its run holds."""

    def __init__(
        self,
        services: Services,
        planned: Planned,
        leases: Leases,
        *,
        forced_by: str = "",
        taken: WorkUnit | None = None,
    ) -> None:
        """`taken` is a unit of the backlog, which the caller holds and a run waits for."""
        self._services, self.planned, self._leases = services, planned, leases
        key = planned.request.key
        self._units = services.of(key.project).units
        self.awaited = taken.waiting if taken else ""
        """Why a run waits for a unit that was taken; empty where none does."""
        services.on_step("planned")
        self.unit = taken or self._take(forced_by)
        self._perhaps_taken = self.unit.state is UnitState.SUBMITTING
        """Whether an earlier request for the unit may have been taken, which nobody heard."""
        self.raw = RawPages(services.outputs.project(key.project), key, self.unit.id)
        services.on_step("opened")

    def _take(self, forced_by: str) -> WorkUnit:
        unit = self._leases.take(self._open(forced_by).id)
        while unit.state.may_be_reopened:  # ended by the run that we waited for
            unit = self._leases.take(self._open("").id)
        if unit.unwanted:  # somebody asks for it again
            self._units.set_unwanted(unit.id, False)
        return unit

    def _open(self, forced_by: str) -> WorkUnit:
        known = self.planned.unit
        if known is not None and known.state is UnitState.SETTLED:
            return known
        request, now = self.planned.request, self._services.clock()
        latest = self._units.latest(request)
        if latest is None:
            return self._units.open(request, 0, self.planned.usage, now, forced_by=forced_by)
        settled = latest.state is UnitState.SETTLED
        forced = bool(forced_by) and settled and not self._units.was_settled(request, forced_by)
        if latest.state.may_be_reopened or forced or (settled and self._is_lost(latest)):
            return self._units.open(
                request, latest.generation + 1, self.planned.usage, now, forced_by=forced_by
            )
        return latest

    def _is_lost(self, settled: WorkUnit) -> bool:
        """Whether raw pages are gone, so that nothing can be made of what was paid."""
        key = settled.request.key
        pages = RawPages(self._services.outputs.project(key.project), key, settled.id)
        if not pages.complete:
            _log.warning("%s: work unit %s lost its raw pages: asked for anew", key, settled.id)
            return True
        return False

    def standing(self) -> Standing:
        """Where the unit stands, after whatever happened to the runs before this one.

        Raises InDoubt where an earlier request may have been taken and cannot be repeated safely.
        """
        if self.unit.state is UnitState.SETTLED or self.raw.complete:
            return "ready"
        if self.unit.state is UnitState.SUBMITTING and self._replay == "unsafe":
            self._move(UnitState.IN_DOUBT)
        if self.unit.state is UnitState.IN_DOUBT:
            self._resolve_doubt()
        return "running" if self.unit.state is UnitState.RUNNING else "start"

    def _resolve_doubt(self) -> None:
        if self._services.policy.in_doubt == "hold":
            raise self._doubt()
        told = "in doubt; made again by policy"
        self._fail(FailureCategory.TRANSIENT, told, self.unit.planned)
        self.unit = self._leases.take(self._open("").id)
        key = self.planned.request.key
        self.raw = RawPages(self._services.outputs.project(key.project), key, self.unit.id)

    def admitted(self) -> bool:
        """Whether the request may be made now; else the unit is given back, and waits."""
        refused = slots.admit(self._services, self.unit, self.planned.plugin)
        if refused is not None:
            self._wait(refused.reason)
        return refused is None

    def come_later(self, plugin: Jobs, error: ProviderError) -> None:
        """Note that the provider has no room or is away. Where it surely took nothing, the unit
        waits for its turn; else it is asked again with its token."""
        away = error.category is FailureCategory.TRANSIENT
        until = "answers again" if away else "has room again"
        reason = f"waits until {self.planned.provider} {until}: {error.what}"
        told = backoff.put_off(self._services, self.unit, plugin, error, reason)
        if self.unit.state is UnitState.INTENT:
            slots.give_back(self._services, self.unit, self.planned.plugin)
            self._wait(told)

    @property
    def fails_alone(self) -> bool:
        """Whether the request, not taken once more, is given up: others' are taken."""
        return backoff.fails_alone(self._services, self.unit, self.planned.plugin)

    def _wait(self, reason: str) -> None:
        slots.wait(self._services, self.unit, self.planned.plugin, reason)
        self.unit = self.unit.model_copy(update={"waiting": reason})
        self._leases.give_back(self.unit.id)

    def begin(self) -> None:
        """Note that the request is about to be made."""
        if self.unit.state is UnitState.INTENT:
            attempts = self.unit.attempts + 1
            self._move(UnitState.SUBMITTING, attempts=attempts, waiting=self.awaited)
        self._services.on_step("submitting")

    def request(self, ask: Callable[[], T]) -> T:
        """Make the request by `ask`, again where its failure and the provider's rules allow it.

        Raises ProviderError once it is given up, and InDoubt where it may have been taken.
        """
        for attempt in range(1, self._services.policy.attempts + 1):
            self.begin()
            try:
                return ask()
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                pause = self._pause(attempt, error)
                last = attempt == self._services.policy.attempts or pause is None
                self._after_failure(plugin_broke(self, error), last=last)
                self._services.sleep(pause or 0)
        raise AssertionError("the last attempt returns or raises")

    def request_once(self, ask: Callable[[], T]) -> T:
        """Make the request once. Where it fails, the unit has not: it stands in intent where the
        provider took nothing, in doubt where it may have and cannot be asked again, and else in
        submitting. Raises PipelineError."""
        self.begin()
        try:
            return ask()
        except Exception as broken:
            error = plugin_broke(self, broken)
            if isinstance(error, ProviderError):
                if self._was_not_taken(error) or self._replay == "free":
                    self._move(UnitState.INTENT)
                elif self._replay == "unsafe":
                    self._move(UnitState.IN_DOUBT)
            raise error from broken

    def _after_failure(self, error: PipelineError, *, last: bool) -> None:
        """Return where the request may be made again; else raise."""
        if not isinstance(error, ProviderError):
            raise error  # ours, not the provider's: the row stays as it is
        not_taken = self._was_not_taken(error)
        if error.no_room and not_taken and isinstance(self.planned.plugin, Jobs):
            self._move(UnitState.INTENT)
            raise error  # it goes back to the backlog
        unheard = not not_taken and self._replay != "free"
        if unheard and self._replay == "unsafe":
            self._move(UnitState.IN_DOUBT)
            raise self._doubt() from error
        self._perhaps_taken = self._perhaps_taken or unheard
        if error.category.retryable and not last:
            if not_taken:
                self._move(UnitState.INTENT)
            return
        if unheard:
            if self.unit.untaken:  # what was put off keeps no slot from others
                slots.free(self._services, self.unit, self.planned.plugin)
            raise self._unheard(error) from error  # the row stays: a re-run asks with its token
        self.fail(error)
        raise error

    def _was_not_taken(self, error: ProviderError) -> bool:
        """Whether neither this request nor an earlier one was taken: a refusal of what is asked
        holds for both, any other says nothing of the one that nobody heard."""
        return not error.accepted and (not self._perhaps_taken or error.category.of_the_request)

    def store(self, pages: Iterable[bytes]) -> None:
        """Store the raw pages, whole, while the unit is still ours."""
        self._leases.check(self.unit.id)
        self.raw.store(self._told(pages))
        self._services.on_step("stored")

    def _told(self, pages: Iterable[bytes]) -> Iterator[bytes]:
        yield from pages
        self._services.on_step("fetched")

    def submitted(self) -> None:
        """Note that the provider has answered the request."""
        backoff.answered(self._services, self.unit, self.planned.plugin)
        self._services.on_step("submitted")

    def parked_at(self, job: str, next_look_seconds: float) -> None:
        """Note that the provider took the request as a job."""
        now = self._services.clock()
        look = now + timedelta(seconds=next_look_seconds)
        self._move(UnitState.RUNNING, job=job, submitted_at=now, poll_at=look)

    def look_again(self, seconds: float) -> None:
        """Note that the job still runs, and when to look it up at the latest."""
        look = self._services.clock() + timedelta(seconds=seconds)
        self._units.postpone(self.unit.id, look)
        self._leases.give_back(self.unit.id)

    def fetch_later(self, seconds: float, reason: str) -> None:
        """Note why the job's result could not be fetched, and when to look again at the latest."""
        look = self._services.clock() + timedelta(seconds=seconds)
        self._units.postpone(self.unit.id, look, reason)
        self.unit = self.unit.model_copy(update={"waiting": reason})
        self._leases.give_back(self.unit.id)

    def is_overdue(self, *, by: timedelta = timedelta(0)) -> bool:
        """Whether a job that still runs is given up, or was for so long."""
        plugin, then = self.planned.plugin, self._services.clock() - by
        return isinstance(plugin, Jobs) and is_overdue(self.unit, plugin, then)

    def settle(self, used: tuple[Usage, ...]) -> None:
        """Note that the result is saved, and what it used."""
        self._services.on_step("published")
        if self.unit.state is not UnitState.SETTLED:
            self._move(UnitState.SETTLED, settled=used, ready=False)
        self._leases.give_back(self.unit.id)
        self._services.on_step("settled")

    def fail(self, error: PipelineError, used: tuple[Usage, ...] = ()) -> None:
        """Note that the unit ended without a result, and what it used all the same.

        Raises Unheard where an earlier request may have been taken and the failure, of our own,
        says nothing of it: the unit stays, for a request with its token.
        """
        ours = not isinstance(error, ProviderError)
        if ours and self._perhaps_taken and self._replay != "free":
            raise self._left_open(error) from error
        category = FailureCategory.INPUT_REJECTED if ours else error.category
        unpaid = self.unit.state is UnitState.INTENT or (
            not ours and not used and self._was_not_taken(error)
        )
        self._fail(category, str(error), used)
        if unpaid:
            slots.give_back(self._services, self.unit, self.planned.plugin)
        self._leases.give_back(self.unit.id)

    def _fail(self, category: FailureCategory, message: str, used: tuple[Usage, ...] = ()) -> None:
        failure = UnitFailure(category=category, message=message)
        self._move(UnitState.FAILED, failure=failure, settled=used, ready=False)

    def _move(self, state: UnitState, **changes: Any) -> None:
        self._leases.check(self.unit.id)
        if state is UnitState.IN_DOUBT:
            changes = {"settled": self.unit.planned, **changes}  # it may be billed
        self.unit = self._units.move(self.unit, state, self._services.clock(), **changes)
        if state.ended or state is UnitState.IN_DOUBT:
            slots.free(self._services, self.unit, self.planned.plugin)

    def _pause(self, attempt: int, error: Exception) -> float | None:
        """Seconds to wait, not all runs the same; None where the provider wishes for longer than
        a run may wait: it is not asked before its time."""
        policy = self._services.policy
        wish = error.retry_after if isinstance(error, ProviderError) else None
        if wish is not None:
            longer = wish * (1 + self._services.random() / 10)
            return longer if wish <= policy.backoff_ceiling_seconds else None
        ceiling = min(policy.backoff_seconds * 2 ** (attempt - 1), policy.backoff_ceiling_seconds)
        return ceiling * (0.5 + self._services.random() / 2)

    @property
    def _replay(self) -> str:
        """What comes of asking again. No provider recognises a request for ever."""
        replay = self.planned.plugin.capabilities().replay
        return "unsafe" if replay == "deduplicated" and self.is_overdue() else replay

    def _doubt(self) -> InDoubt:
        return InDoubt(
            "a request may have been taken and billed, and nobody heard the answer",
            category=FailureCategory.TRANSIENT,
            where=f"{self.planned.provider}, work unit {self.unit.id}",
            remedy=f"Look at the provider; then `video-pipeline release {self.unit.id}` "
            "lets the next run ask again.",
        )

    def _left_open(self, error: PipelineError) -> Unheard:
        return Unheard(
            f"{error.what}; what was asked of the provider before may have been taken",
            category=FailureCategory.TRANSIENT,
            where=f"{self.planned.provider}, work unit {self.unit.id}",
            remedy=f"{error.remedy} Then run the phase again: it is billed once.",
        )

    def _unheard(self, error: ProviderError) -> Unheard:
        """What is worth asking again says so; what is not knows its own way on."""
        what, remedy = error.what, error.remedy
        if error.category.retryable:
            what = f"no answer after {self._services.policy.attempts} tries: {what}"
            remedy = "Run the phase again: the provider recognises the request and bills it once."
        where = f"{self.planned.provider}, work unit {self.unit.id}"
        return Unheard(what, category=error.category, where=where, remedy=remedy)


def is_overdue(unit: WorkUnit, plugin: Jobs, now: datetime) -> bool:
    """Whether a request was made so long ago that what came of it is given up."""
    asked = unit.submitted_at or (unit.updated_at if unit.state is UnitState.SUBMITTING else now)
    return now - asked > timedelta(seconds=plugin.deadline_seconds)


def plugin_broke(driver: UnitDriver, error: Exception) -> PipelineError:
    """A plugin's exception as an error of ours, with its cause."""
    if isinstance(error, PipelineError):
        return error
    wrapped = ProviderError(
        f"the plugin broke: {type(error).__name__}: {error}",
        category=FailureCategory.PROVIDER_FAILED,
        where=driver.planned.provider,
        remedy="Report it to the plugin's author, or choose another provider.",
    )
    wrapped.__cause__ = error
    return wrapped
