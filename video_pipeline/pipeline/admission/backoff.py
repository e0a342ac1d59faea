"""A request that a provider did not take for now, as it has no room or was not heard: for how long
nobody of its pool is asked, for how long not this one, and when it is given up.

A provider that is away is found so by one request after the other, ever more seldom. One request
that fails alone, while others are taken, is put off, so that it holds up none of them.
"""

from datetime import timedelta

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.slots import Pool
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.admission import slots
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs, Plugin

_PAUSE_SECONDS, _LONGEST_PAUSE = 60.0, 900.0
_MOMENT_SECONDS = 2.0
"""How long nobody is asked after too many requests a second, or one that was not heard."""
_DOUBLINGS = 5
"""Of a moment, while the provider is away: then it is longer than any pause without a wish."""
_TRIES = 10
"""After so many, more than an hour, a request that fails alone is given up."""


def put_off(
    services: Services, unit: WorkUnit, plugin: Jobs, error: ProviderError, reason: str
) -> str:
    """Let nobody be asked for a while that shares the unit's pool; from its second time on the unit
    itself is left out for longer, so that another is asked next, and gives its slot back, which
    others need. Returns the reason with its tries, which the row of a unit in submitting has then,
    where a run waits for it. Raises CatalogError."""
    seconds = _pause(services, unit, plugin, error)
    services.catalog.admissions.pause(slots.pool_of(plugin, unit.request), seconds)
    if unit.untaken:
        seconds += min(_PAUSE_SECONDS * 2 ** (unit.untaken - 1), _LONGEST_PAUSE)
        slots.free(services, unit, plugin)
    until = services.clock() + timedelta(seconds=seconds)
    told = f"{reason} (tried {unit.untaken + 1} times)" if unit.untaken else reason
    units = services.of(unit.request.key.project).units
    units.put_off(unit.id, until, told if unit.waiting else "")
    return told


def answered(services: Services, unit: WorkUnit, plugin: Plugin) -> None:
    """Note that the provider took a request of the unit's pool."""
    services.catalog.admissions.answered(slots.pool_of(plugin, unit.request))


def fails_alone(services: Services, unit: WorkUnit, plugin: Plugin) -> bool:
    """Whether a unit that is not taken once more has been tried often enough to be given up, and
    others were taken meanwhile: fewer in a row were not than this one alone. Else the provider may
    be away or full for all, and it goes on waiting."""
    in_a_row = _pool(services, unit, plugin).untaken
    return in_a_row < unit.untaken and unit.untaken + 1 >= _TRIES


def _pause(services: Services, unit: WorkUnit, plugin: Jobs, error: ProviderError) -> float:
    """As long as the provider wishes, within reason; without a wish, a job may have to end before
    there is room, and a moment is enough for all else, a longer one each time in a row that the
    provider is found away."""
    until_one_ends = min(plugin.poll_seconds, _PAUSE_SECONDS)
    away = error.category is FailureCategory.TRANSIENT
    growth = 2 ** min(_pool(services, unit, plugin).untaken, _DOUBLINGS) if away else 1
    moment = min(_MOMENT_SECONDS * growth * (1 + services.random()), until_one_ends)
    wished = error.retry_after or (until_one_ends if error.no_room else moment)
    return min(wished, _LONGEST_PAUSE)


def _pool(services: Services, unit: WorkUnit, plugin: Plugin) -> Pool:
    name = slots.pool_of(plugin, unit.request)
    return next(iter(services.catalog.admissions.pools(name)), Pool(name=name))
