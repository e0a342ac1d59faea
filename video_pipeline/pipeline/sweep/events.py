"""Receive events about ended jobs. An event is a hint: the next poll decides."""

import logging
import math
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.errors import CatalogError
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.parallel import in_parallel
from video_pipeline.plugins.base import Listens, Plugin

_log = logging.getLogger(__name__)
# How long a round receives events, from all providers in parallel.
_SECONDS_A_ROUND = 10.0


def listen(services: Services, now: datetime, until: float = math.inf) -> int:
    """Receive the events of every provider, so that a sweep at `now` polls their jobs.

    Returns how many jobs were known. An event of an unknown job is not acknowledged: it is
    delivered again. Ends at `until`, by `services.elapsed`. Raises CatalogError.
    """
    until = min(until, services.elapsed() + _SECONDS_A_ROUND)
    calls = {
        f"events of {name} ({id(plugin):x})": partial(_listen, services, name, plugin, now, until)
        for name, plugin in services.plugins.items()
        if isinstance(plugin, Listens)
    }
    return sum(in_parallel(calls, until, services.elapsed).values())


def hint(catalog: Catalog, provider: str, job: str, now: datetime) -> bool:
    """Make a sweep at `now` poll a job. Returns False if the job is unknown."""
    for one in catalog.each():
        unit = one.units.by_job(provider, job)
        if unit is not None:
            one.units.postpone(unit.id, now)
            return True
    return False


def _listen(services: Services, provider: str, plugin: Listens, now: datetime, until: float) -> int:
    count = 0
    names = _of_same_account(services.plugins, provider)
    seen: set[str] = set()
    try:
        while services.elapsed() < until:
            heard = plugin.listen()
            new = [one for one in heard if one.receipt not in seen]
            if not new:
                break  # only events of unknown jobs are left
            seen |= {one.receipt for one in new}
            known = [
                one
                for one in new
                if any(hint(services.catalog, name, one.job, now) for name in names)
            ]
            for one in new:
                if one not in known:
                    _log.info("%s: job %s has ended, but is unknown here", provider, one.job)
            if known:
                plugin.acknowledge(known)
            count += len(known)
    except CatalogError:
        raise
    except Exception as error:  # noqa: BLE001 - one plugin must not block the others
        _log.warning("%s: cannot receive events, next try in the next round: %s", provider, error)
    return count


def _of_same_account(plugins: Mapping[str, Plugin], provider: str) -> list[str]:
    """Return the entries whose jobs may be in a provider's events, itself first."""
    mine = plugins[provider]
    same = [
        name
        for name, one in plugins.items()
        if name != provider and (one.name, one.account) == (mine.name, mine.account)
    ]
    return [provider, *same]
