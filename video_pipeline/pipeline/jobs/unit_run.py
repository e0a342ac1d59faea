"""Drive one work unit in one run: from its row to raw pages, or until it is parked or failed.

The row is written before any request. `Services.on_step` is called with the name of each durable
step: planned, opened, submitting, submitted, fetched, stored, published, settled.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from video_pipeline.domain.errors import (
    AnswerLost,
    FailureCategory,
    InDoubt,
    PipelineError,
    ProviderError,
)
from video_pipeline.domain.unit_policy import (
    Answer,
    Found,
    Replay,
    Step,
    after_request,
    answer_of,
    is_passing,
    is_unsafe_outage,
    on_finding,
    pause_of,
)
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.work import Stage, UnitFailure, UnitState, Wait, WorkUnit
from video_pipeline.pipeline.admission.gate import Gate
from video_pipeline.pipeline.jobs.existing_pages import ExistingPages
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs, Plugin

T = TypeVar("T")
_log = logging.getLogger(__name__)


class UnitDriver:
    """Drives one unit that its run has leased."""

    def __init__(
        self,
        services: Services,
        planned: Planned,
        leases: Leases,
        existing: ExistingPages,
        unit: WorkUnit,
        *,
        parked: bool = False,
    ) -> None:
        """`unit` is leased. `parked` means that a phase waits for it without a run."""
        self._services, self.planned, self._leases = services, planned, leases
        self._existing, self._parked = existing, parked
        self._gate = Gate(services, planned.plugin, planned.request)
        self._units = services.of(planned.request.key.project).units
        self._hold(unit)

    def _hold(self, unit: WorkUnit) -> None:
        self.unit, key = unit, unit.request.key
        # Whether an earlier request, whose answer was lost, may have been accepted.
        self._maybe_accepted = unit.state.stage is Stage.SENT
        self.raw = RawPages(self._services.outputs.project(key.project), key, unit.id)

    def standing(self) -> Found:
        """Return what the unit needs next, after whatever happened to earlier runs.

        Raises InDoubt if an earlier request may have been accepted and cannot be repeated safely.
        """
        policy = self._services.policy.in_doubt
        while True:
            stored = self.unit.state is UnitState.SETTLED or (
                # An unsent unit has no pages, or it would have been adopted.
                self.unit.state.stage is not Stage.UNSENT and self.raw.complete
            )
            found = on_finding(self.unit.state.stage, self._replay, stored=stored, in_doubt=policy)
            if found not in (Found.HOLD, Found.RENEW):
                return found
            if self.unit.state.stage is Stage.SENT:
                self._finish(UnitState.IN_DOUBT, self.unit.planned)
            if found is Found.HOLD:
                raise self._doubt()
            self._renew()

    def _renew(self) -> None:
        """Open a new generation in place of a unit in doubt."""
        message = "in doubt; requested again by policy"
        self._fail(FailureCategory.TRANSIENT, message, self.unit.planned)
        self._hold(self._existing.take(self.planned, self._leases))

    def admitted(self) -> bool:
        """Return whether the request may be made now. If not, add the unit to the backlog."""
        refused = self._gate.admit(self.unit)
        if refused is not None:
            self._queue(refused.wait)
        return refused is None

    def _defer(self, plugin: Jobs, error: ProviderError) -> None:
        """Defer the unit after its provider was full or unreachable.

        A unit whose request was refused returns to the backlog. One that may have been accepted
        stays, for a request with the same token.
        """
        wait = self._gate.defer(self.unit, error, plugin.poll_seconds)
        if self.unit.state.stage is Stage.UNSENT:
            self._gate.refund(self.unit)
            self._queue(wait)

    def _queue(self, wait: Wait) -> None:
        self._leave(self._gate.queue(self.unit, wait))

    def _leave(self, unit: WorkUnit | None) -> None:
        """Leave a parked unit to others."""
        self.unit = unit or self.unit
        self._leases.release(self.unit.id)

    def begin(self) -> None:
        """Record that the request is about to be made."""
        if self.unit.state.stage is Stage.UNSENT:
            self._leases.check(self.unit.id)
            now = self._services.clock()
            if self._is_paid:
                self.raw.record_request(self.unit, now)
            self.unit = self._units.begin(self.unit, now, parked=self._parked)
        self._services.on_step("submitting")

    @property
    def _is_paid(self) -> bool:
        return any(usage.paid for usage in self.unit.planned)

    def _forget_request(self) -> None:
        if self._is_paid:
            self.raw.forget_request()

    def request(self, make: Callable[[], T]) -> T | None:
        """Call `make`, and retry it if its error and the provider's rules allow it.

        Returns None if the unit was deferred, as a job may be. Raises ProviderError after the last
        try, and InDoubt if the request may have been accepted.
        """
        for attempt in range(1, self._services.policy.attempts + 1):
            self.begin()
            try:
                return make()
            except Exception as broken:  # noqa: BLE001 - a plugin may raise anything
                error = plugin_broke(self.planned.provider, broken)
                pause = self._pause(attempt, error)
                last = attempt == self._services.policy.attempts or pause is None
                if self._go_on(error, last=last) is Step.DEFER:
                    return None
                self._services.sleep(pause or 0)
        raise AssertionError("the last attempt returns or raises")

    def request_once(self, make: Callable[[], T]) -> T | Step:
        """Call `make` once, outside a run. Returns what follows from an error of the provider.

        The unit is deferred, or its run must be woken. Raises PipelineError for any other error.
        """
        self.begin()
        try:
            return make()
        except Exception as broken:
            error = plugin_broke(self.planned.provider, broken)
            if not isinstance(error, ProviderError):
                raise error from broken
            key = self.planned.request.key
            step = self._follow(error, by="sweep")
            _log.warning("%s: work unit %s: %s: %s", key, self.unit.id, step, error)
            return step

    def _go_on(self, error: PipelineError, *, last: bool) -> Step:
        """Return if the request is retried or deferred; otherwise raise."""
        if not isinstance(error, ProviderError):
            raise error  # our error, not the provider's: the row stays as it is
        step = self._follow(error, by="run", last=last)
        if step is Step.HOLD:
            raise self._doubt() from error
        if step is Step.LEAVE:
            if self.unit.refusals:  # a deferred unit holds no slot
                self._gate.free(self.unit)
            raise self._unanswered(error) from error
        if step is Step.FAIL:
            self.fail(error)
            raise error
        return step

    def _follow(
        self, error: ProviderError, *, by: Literal["run", "sweep"], last: bool = False
    ) -> Step:
        """Move the unit after a failed request, and return what follows."""
        plugin, answer, replay = self.planned.plugin, self._answer_of(error), self._replay
        step = after_request(
            answer,
            replay,
            error.category,
            by=by,
            may_defer=isinstance(plugin, Jobs),
            last=last,
            exhausted=(by == "run" or self._parked) and self._gate.is_exhausted(self.unit),
        )
        self._maybe_accepted = self._maybe_accepted or answer is Answer.UNKNOWN
        if step is Step.HOLD:
            self._finish(UnitState.IN_DOUBT, self.unit.planned)
        elif step is not Step.FAIL and answer is Answer.REFUSED:
            self._forget_request()
            self._leases.check(self.unit.id)
            self.unit = self._units.refuse(self.unit, self._services.clock())
        if isinstance(plugin, Jobs) and step is Step.DEFER:
            self._defer(plugin, error)
        elif isinstance(plugin, Jobs) and by == "sweep" and is_unsafe_outage(answer, replay, error):
            self._gate.pause(error, plugin.poll_seconds)
        return step

    def _answer_of(self, error: ProviderError) -> Answer:
        return answer_of(
            error.category,
            self._replay,
            accepted=error.accepted,
            maybe_accepted=self._maybe_accepted,
        )

    def store(self, pages: Iterable[bytes]) -> None:
        """Store all raw pages while the lease lasts."""
        self._leases.check(self.unit.id)
        self.raw.store(self._report_fetched(pages))
        self._services.on_step("stored")

    def _report_fetched(self, pages: Iterable[bytes]) -> Iterator[bytes]:
        yield from pages
        self._services.on_step("fetched")

    def submitted(self) -> None:
        """Record that the provider has answered the request."""
        self._gate.record_answer()
        self._services.on_step("submitted")

    def parked_at(self, job: str, poll_seconds: float) -> None:
        """Record that the provider accepted the request as a job."""
        now = self._services.clock()
        poll_at = now + timedelta(seconds=poll_seconds)
        self._leases.check(self.unit.id)
        self.unit = self._units.accept(self.unit, job, now, poll_at)

    def poll_later(self, seconds: float, note: str = "") -> None:
        """Record when to poll the running job again, at the latest, and what is unusual of it."""
        poll_at = self._services.clock() + timedelta(seconds=seconds)
        self._leave(self._units.postpone(self.unit.id, poll_at, note))

    def fetch_later(self, seconds: float, why: str) -> None:
        """Record why the job's result could not be fetched, and when to try again."""
        until = self._services.clock() + timedelta(seconds=seconds)
        self._leave(self._units.fetch_later(self.unit.id, until, why))

    def is_overdue(self, *, by: timedelta = timedelta(0)) -> bool:
        """Return whether the job passed its deadline, by at least this long."""
        plugin, then = self.planned.plugin, self._services.clock() - by
        return isinstance(plugin, Jobs) and is_overdue(self.unit, plugin, then)

    def settle(self, used: tuple[Usage, ...]) -> None:
        """Record that the result is published, and its usage."""
        self._services.on_step("published")
        if self.unit.state is not UnitState.SETTLED:
            self._finish(UnitState.SETTLED, used)
        self._leases.release(self.unit.id)
        self._services.on_step("settled")

    def fail(self, error: PipelineError, used: tuple[Usage, ...] = ()) -> None:
        """Record that the unit ended without a result, and its usage.

        Raises AnswerLost if the error is ours and an earlier request may have been accepted: the
        unit stays, for a request with its token.
        """
        ours = not isinstance(error, ProviderError)
        if ours and self._maybe_accepted and self._replay != "free":
            raise self._left_open(error) from error
        category = FailureCategory.INPUT_REJECTED if ours else error.category
        unpaid = self.unit.state.stage is Stage.UNSENT or (
            self.unit.state.stage is Stage.SENT
            and not ours
            and not used
            and self._answer_of(error) is Answer.REFUSED
        )
        if unpaid and self.unit.state.stage is Stage.SENT:
            self._forget_request()
        self._fail(category, str(error), used)
        if unpaid:
            self._gate.refund(self.unit)
        self._leases.release(self.unit.id)

    def _fail(self, category: FailureCategory, message: str, used: tuple[Usage, ...] = ()) -> None:
        failure = UnitFailure(category=category, message=message)
        self._finish(UnitState.FAILED, used, failure)

    def _finish(
        self, state: UnitState, used: tuple[Usage, ...], failure: UnitFailure | None = None
    ) -> None:
        self._leases.check(self.unit.id)
        now = self._services.clock()
        self.unit = self._units.finish(self.unit, state, now, used=used, failure=failure)
        self._gate.free(self.unit)

    def _pause(self, attempt: int, error: Exception) -> float | None:
        """Return the seconds before the next try; None if the provider asks for too many."""
        policy = self._services.policy
        wish = error.retry_after if isinstance(error, ProviderError) else None
        if wish is not None and wish > policy.backoff_ceiling_seconds:
            return None
        return pause_of(
            attempt - 1,
            first=policy.backoff_seconds,
            longest=policy.backoff_ceiling_seconds,
            jitter=self._services.random(),
            wish=wish,
        )

    @property
    def _replay(self) -> Replay:
        return replay_of(self.unit, self.planned.plugin, self._services.clock())

    def _doubt(self) -> InDoubt:
        return InDoubt(
            "the answer to a request was lost: it may have been accepted and billed",
            category=FailureCategory.TRANSIENT,
            where=f"{self.planned.provider}, work unit {self.unit.id}",
            remedy="Check at the provider whether the job exists; then "
            f"`video-pipeline release {self.unit.id}` lets the next run request it again.",
        )

    def _left_open(self, error: PipelineError) -> AnswerLost:
        return AnswerLost(
            f"{error.what}; an earlier request to the provider may have been accepted",
            category=FailureCategory.TRANSIENT,
            where=f"{self.planned.provider}, work unit {self.unit.id}",
            remedy=f"{error.remedy} Then run the phase again: it is billed once.",
        )

    def _unanswered(self, error: ProviderError) -> AnswerLost:
        what, remedy = error.what, error.remedy
        if is_passing(error.category):
            what = f"no answer after {self._services.policy.attempts} tries: {what}"
            remedy = "Run the phase again: the provider recognises the request and bills it once."
        where = f"{self.planned.provider}, work unit {self.unit.id}"
        return AnswerLost(what, category=error.category, where=where, remedy=remedy)


def drive(
    services: Services,
    planned: Planned,
    leases: Leases,
    existing: ExistingPages,
    *,
    forced_by: str = "",
) -> UnitDriver:
    """Open the unit's row or find the one to continue, lease it, and return its driver."""
    services.on_step("planned")
    unit = existing.take(planned, leases, forced_by)
    services.on_step("opened")
    return UnitDriver(services, planned, leases, existing, unit)


def resume(services: Services, planned: Planned, leases: Leases, unit: WorkUnit) -> UnitDriver:
    """Return the driver of a leased unit, outside a run."""
    services.on_step("planned")
    existing, parked = ExistingPages(services, unit.request.key), unit.state.parked
    unit = existing.adopted(unit)
    services.on_step("opened")
    return UnitDriver(services, planned, leases, existing, unit, parked=parked)


def replay_of(unit: WorkUnit, plugin: Plugin, now: datetime) -> Replay:
    """Return the effect of repeating a unit's request. Past its deadline its token has expired."""
    replay = plugin.capabilities().replay
    expired = isinstance(plugin, Jobs) and is_overdue(unit, plugin, now)
    return "unsafe" if replay == "deduplicated" and expired else replay


def is_overdue(unit: WorkUnit, plugin: Jobs, now: datetime) -> bool:
    """Return whether the unit's request has passed its deadline."""
    begun = unit.submitted_at or (unit.updated_at if unit.state.stage is Stage.SENT else now)
    return now - begun > timedelta(seconds=plugin.deadline_seconds)


def plugin_broke(provider: str, error: Exception) -> PipelineError:
    """Return a plugin's exception as a PipelineError, with its cause."""
    if isinstance(error, PipelineError):
        return error
    wrapped = ProviderError(
        f"the plugin raised {type(error).__name__}: {error}",
        category=FailureCategory.PROVIDER_FAILED,
        where=provider,
        remedy="Report it to the plugin's author, or choose another provider.",
    )
    wrapped.__cause__ = error
    return wrapped
