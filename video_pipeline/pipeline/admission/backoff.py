"""Backoff after a provider refuses or times out: how long to pause the pool, how long to defer this
unit, and when to fail it.

An unreachable provider is probed by one request after another, at growing intervals. A request that
fails while others succeed is deferred, so that it does not block them.
"""

from datetime import timedelta

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.slots import Pool
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.admission import slots
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs, Plugin

_PAUSE_SECONDS, _LONGEST_PAUSE = 60.0, 900.0
# The pause after throttling, or after a request without an answer.
_SHORT_PAUSE_SECONDS = 2.0
# Of the short pause, while the provider is unreachable: five exceed any pause it did not ask for.
_DOUBLINGS = 5
# After so many tries, more than an hour, a unit that fails while others succeed is failed.
_TRIES = 10


def defer(
    services: Services, unit: WorkUnit, plugin: Jobs, error: ProviderError, reason: str
) -> str:
    """Pause the unit's pool. From its second refusal on, defer the unit too and free its slot.

    Returns the reason with the number of tries. It is stored if a run waits for the unit. Raises
    CatalogError.
    """
    seconds = _pause(services, unit, plugin, error)
    services.catalog.admissions.pause(slots.pool_of(plugin, unit.request), seconds)
    if unit.untaken:
        seconds += min(_PAUSE_SECONDS * 2 ** (unit.untaken - 1), _LONGEST_PAUSE)
        slots.free(services, unit, plugin)
    until = services.clock() + timedelta(seconds=seconds)
    if unit.untaken:
        reason = f"{reason} (tried {unit.untaken + 1} times)"
    units = services.of(unit.request.key.project).units
    units.put_off(unit.id, until, reason if unit.waiting else "")
    return reason


def record_answer(services: Services, unit: WorkUnit, plugin: Plugin) -> None:
    """Record that the provider accepted a request of the unit's pool."""
    services.catalog.admissions.answered(slots.pool_of(plugin, unit.request))


def is_exhausted(services: Services, unit: WorkUnit, plugin: Plugin) -> bool:
    """Return whether a unit that was refused again must fail.

    It must after its last try, if others succeeded meanwhile: the pool then has fewer refusals in a
    row than this unit. Otherwise the provider may be unreachable or full for all.
    """
    in_a_row = _pool(services, unit, plugin).untaken
    return in_a_row < unit.untaken and unit.untaken + 1 >= _TRIES


def _pause(services: Services, unit: WorkUnit, plugin: Jobs, error: ProviderError) -> float:
    """Return the seconds to pause the pool: what the provider asks for, within a limit.

    If it asks for none: about one poll where no job fits, else a short pause that doubles with each
    refusal of an unreachable provider.
    """
    until_a_job_ends = min(plugin.poll_seconds, _PAUSE_SECONDS)
    unreachable = error.category is FailureCategory.TRANSIENT
    growth = 2 ** min(_pool(services, unit, plugin).untaken, _DOUBLINGS) if unreachable else 1
    short = min(_SHORT_PAUSE_SECONDS * growth * (1 + services.random()), until_a_job_ends)
    return min(error.retry_after or (until_a_job_ends if error.no_room else short), _LONGEST_PAUSE)


def _pool(services: Services, unit: WorkUnit, plugin: Plugin) -> Pool:
    name = slots.pool_of(plugin, unit.request)
    return next(iter(services.catalog.admissions.pools(name)), Pool(name=name))
