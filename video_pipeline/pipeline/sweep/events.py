"""What providers and people say of jobs that have ended: hints, after which a job is looked up."""

import logging
import math
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from video_pipeline.domain.errors import CatalogError
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.parallel import side_by_side
from video_pipeline.plugins.base import Heard, Listens

_log = logging.getLogger(__name__)
_SECONDS_A_ROUND = 10.0
"""For how long a round takes up events, of all providers side by side."""


def listen(services: Services, now: datetime, until: float = math.inf) -> int:
    """Take up the events of every provider that has any, so that a sweep at `now` looks these jobs
    up; how many were known. One of a job that nobody knows here, or not yet, is not acknowledged:
    it comes again. Ends at `until` by `time.monotonic`. Raises CatalogError."""
    until = min(until, time.monotonic() + _SECONDS_A_ROUND)
    asks = {
        f"events of {name} ({id(plugin):x})": partial(_listen, services, name, plugin, now, until)
        for name, plugin in services.plugins.items()
        if isinstance(plugin, Listens)
    }
    return sum(side_by_side(asks, until).values())


def hint(services: Services, provider: str, job: str, now: datetime | None = None) -> bool:
    """Somebody says that a job has ended: the next sweep looks. False for a job unknown here."""
    for project in services.catalog.projects():
        units = services.of(project).units
        unit = units.by_job(provider, job)
        if unit is not None:
            units.postpone(unit.id, now or services.clock())
            return True
    return False


def _listen(services: Services, provider: str, plugin: Listens, now: datetime, until: float) -> int:
    count = 0
    names = _of_same_account(services, provider)
    seen: set[str] = set()
    try:
        while time.monotonic() < until:
            heard = plugin.listen()
            new = [one for one in heard if one.receipt not in seen]
            if not new:
                break  # none are left, but those that nobody knows
            seen |= {one.receipt for one in new}
            known = [
                one for one in new if any(hint(services, name, one.job, now) for name in names)
            ]
            _tell_unknown(provider, new, known)
            if known:
                plugin.acknowledge(known)
            count += len(known)
    except CatalogError:
        raise
    except Exception as error:  # noqa: BLE001 - one plugin must not hold up the others
        _log.warning("%s: its events cannot be heard now: %s", provider, error)
    return count


def _of_same_account(services: Services, provider: str) -> list[str]:
    """The entries whose jobs a provider's events may tell of, itself first."""
    mine = services.plugins[provider]
    same = [
        name
        for name, one in services.plugins.items()
        if name != provider and (one.name, one.account) == (mine.name, mine.account)
    ]
    return [provider, *same]


def _tell_unknown(provider: str, heard: Sequence[Heard], known: Sequence[Heard]) -> None:
    for one in heard:
        if one not in known:
            _log.info("%s: job %s has ended, which nobody knows here", provider, one.job)
