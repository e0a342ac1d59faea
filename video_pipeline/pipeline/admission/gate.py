"""The gate of one request: slots at its provider, the day's paid minutes, and backoff.

Runs and the sweep ask before each request that a provider limits or bills. A refused unit waits in
the backlog. An unreachable provider is probed by one request after another, at growing intervals. A
request that fails while others succeed is deferred, so that it does not block them.
"""

from datetime import timedelta
from functools import partial

from video_pipeline.domain.errors import ProviderError
from video_pipeline.domain.fair_turns import paid_seconds
from video_pipeline.domain.slots import Pool
from video_pipeline.domain.unit_policy import CATEGORIES, is_full, pause_of
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import Stage, Wait, WorkRequest, WorkUnit
from video_pipeline.pipeline.admission.backlog import for_slot, pool_of, position, slots_of
from video_pipeline.pipeline.costs.budget import budget_of
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Plugin

# How long a slot is kept for a run that has yet to start, or is downloading its input.
GRANTED = timedelta(minutes=10)
# The longest pause of a pool whose provider asks for none: a job may have ended by then.
_LONGEST_PAUSE_SECONDS = 60.0


class Refused(Frozen):
    """Why a request may not be made now."""

    wait: Wait
    full: bool
    """Whether no slot is free; otherwise the day's paid minutes are used up."""


class Gate:
    """Admits one request at its provider. Every method raises CatalogError."""

    def __init__(self, services: Services, plugin: Plugin, request: WorkRequest) -> None:
        self._catalog, self._pools = services.catalog, services.catalog.admissions
        self._units = services.of(request.key.project).units
        self._policy, self._clock, self._random = services.policy, services.clock, services.random
        self._plugin, self._request = plugin, request
        self._slots, self._pool = slots_of(plugin, request), pool_of(plugin, request)
        self._budget = partial(budget_of, services, request)

    def admit(
        self, unit: WorkUnit, *, newcomer: bool = True, lease: timedelta = GRANTED
    ) -> Refused | None:
        """Take the slot and the paid minutes of the unit. Returns None, or the refusal.

        A newcomer does not overtake units that wait. A unit whose request may have been accepted
        before is never refused. Repeatable.
        """
        sent = unit.state.stage is Stage.SENT
        if not self.take_slot(unit, newcomer=newcomer, lease=lease):
            return None if sent else Refused(wait=self._wait_of(unit), full=True)
        short = None if sent else self._budget().reserve(unit)
        if short is not None:
            self.free(unit)
            return Refused(wait=short, full=False)
        return None

    def take_slot(self, unit: WorkUnit, *, newcomer: bool, lease: timedelta) -> bool:
        """Take a slot, or renew the one held. Returns False if none is free."""
        if self._slots is None:
            return True
        limit, project = self._slots.limit, self._request.key.project
        return self._pools.take(self._pool, limit, project, unit.id, lease, newcomer=newcomer)

    def queue(self, unit: WorkUnit, wait: Wait | None = None) -> WorkUnit | None:
        """Add a unit to the backlog, and return it; None if its request was made."""
        wait = wait or for_slot(self._plugin, self._request)
        seconds = paid_seconds(unit.planned)
        return self._units.queue(unit.id, wait, self._pool, seconds, self._clock())

    def free(self, unit: WorkUnit) -> None:
        """Free the unit's slot, after its job has ended or its request was not made."""
        if self._slots is not None:
            self._pools.free(self._pool, unit.id)

    def refund(self, unit: WorkUnit) -> None:
        """Free the unit's slot and its paid minutes: nothing was billed."""
        self.free(unit)
        if paid_seconds(unit.planned):
            self._pools.unreserve(unit.id)

    def defer(self, unit: WorkUnit, error: ProviderError, poll_seconds: float) -> Wait:
        """Pause the pool. From its second refusal on, defer the unit too and free its slot.

        Returns what the unit now waits for.
        """
        seconds = self.pause(error, poll_seconds)
        if unit.refusals:
            grown = self._policy.deferral_seconds * 2 ** min(unit.refusals - 1, 60)
            seconds += min(grown, self._policy.deferral_ceiling_seconds)
            self.free(unit)
        wait = Wait(
            kind=CATEGORIES[error.category].waits_for,
            until=self._clock() + timedelta(seconds=seconds),
            scope=self._request.provider,
            detail=error.what,
        )
        self._units.defer(unit.id, wait)
        return wait

    def pause(self, error: ProviderError, poll_seconds: float) -> float:
        """Pause the pool, and return for how many seconds.

        If the provider asks for none: until a job may have ended where no further one fits, else a
        pause that grows with each refusal in a row.
        """
        policy, wish = self._policy, error.retry_after or None
        seconds = min(poll_seconds, _LONGEST_PAUSE_SECONDS)
        if wish or not is_full(error.category):
            seconds = pause_of(
                self._pool_now().refusals,
                first=policy.backoff_seconds,
                longest=policy.deferral_ceiling_seconds if wish else seconds,
                jitter=self._random(),
                wish=wish,
            )
        self._pools.pause(self._pool, seconds)
        return seconds

    def record_answer(self) -> None:
        """Record that the provider accepted a request of the pool."""
        self._pools.answered(self._pool)

    def is_exhausted(self, unit: WorkUnit) -> bool:
        """Return whether a unit that was refused again must fail.

        It must after its last try, if others succeeded meanwhile: the pool then has fewer refusals
        in a row than this unit. Otherwise the provider may be unreachable or full for all.
        """
        if unit.refusals + 1 < self._policy.deferrals:
            return False
        return self._pool_now().refusals < unit.refusals

    def _pool_now(self) -> Pool:
        return next(iter(self._pools.pools(self._pool)), Pool(name=self._pool))

    def _wait_of(self, unit: WorkUnit) -> Wait:
        """Return what the unit waits for: paid minutes if they are short too, else a slot."""
        if short := self._budget().shortage(unit):
            return short
        found = position(self._catalog, unit, self._pool)
        place = f"place {found.number} of {found.of}"
        return for_slot(self._plugin, self._request).model_copy(update={"detail": place})
