"""Backoff after a provider refuses or times out: how long to pause the pool, how long to defer this
unit, and when to fail it.

An unreachable provider is probed by one request after another, at growing intervals. A request that
fails while others succeed is deferred, so that it does not block them.
"""

from datetime import timedelta

from video_pipeline.domain.errors import ProviderError
from video_pipeline.domain.slots import Pool
from video_pipeline.domain.unit_policy import CATEGORIES, is_full, pause_of
from video_pipeline.domain.work import Wait, WorkUnit
from video_pipeline.pipeline.admission import slots
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs, Plugin

# The longest pause of a pool whose provider asks for none: a job may have ended by then.
_LONGEST_PAUSE_SECONDS = 60.0


def defer(services: Services, unit: WorkUnit, plugin: Jobs, error: ProviderError) -> Wait:
    """Pause the unit's pool. From its second refusal on, defer the unit too and free its slot.

    Returns what the unit now waits for. Raises CatalogError.
    """
    seconds = pause(services, unit, plugin, error)
    if unit.refusals:
        policy = services.policy
        grown = policy.deferral_seconds * 2 ** min(unit.refusals - 1, 60)
        seconds += min(grown, policy.deferral_ceiling_seconds)
        slots.free(services, unit, plugin)
    wait = Wait(
        kind=CATEGORIES[error.category].waits_for,
        until=services.clock() + timedelta(seconds=seconds),
        scope=unit.request.provider,
        detail=error.what,
    )
    services.of(unit.request.key.project).units.defer(unit.id, wait)
    return wait


def record_answer(services: Services, unit: WorkUnit, plugin: Plugin) -> None:
    """Record that the provider accepted a request of the unit's pool."""
    services.catalog.admissions.answered(slots.pool_of(plugin, unit.request))


def is_exhausted(services: Services, unit: WorkUnit, plugin: Plugin) -> bool:
    """Return whether a unit that was refused again must fail.

    It must after its last try, if others succeeded meanwhile: the pool then has fewer refusals in a
    row than this unit. Otherwise the provider may be unreachable or full for all.
    """
    if unit.refusals + 1 < services.policy.deferrals:
        return False
    return _pool(services, unit, plugin).refusals < unit.refusals


def pause(services: Services, unit: WorkUnit, plugin: Jobs, error: ProviderError) -> float:
    """Pause the unit's pool, and return for how many seconds.

    If the provider asks for none: until a job may have ended where no further one fits, else a
    pause that grows with each refusal in a row.
    """
    policy, wish = services.policy, error.retry_after or None
    seconds = min(plugin.poll_seconds, _LONGEST_PAUSE_SECONDS)
    if wish or not is_full(error.category):
        seconds = pause_of(
            _pool(services, unit, plugin).refusals,
            first=policy.backoff_seconds,
            longest=policy.deferral_ceiling_seconds if wish else seconds,
            jitter=services.random(),
            wish=wish,
        )
    services.catalog.admissions.pause(slots.pool_of(plugin, unit.request), seconds)
    return seconds


def _pool(services: Services, unit: WorkUnit, plugin: Plugin) -> Pool:
    name = slots.pool_of(plugin, unit.request)
    return next(iter(services.catalog.admissions.pools(name)), Pool(name=name))
