"""Finding out which jobs have ended: events are hints, a sweep of overdue rows is the truth.

Nothing is fetched here but what nobody waits for: a run of the video's partition does that. A
failed job counts as ended.
"""

import time
from collections.abc import Collection
from datetime import datetime, timedelta

from video_pipeline.domain.slots import Pool, Slot
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.close import Closing, close
from video_pipeline.pipeline.jobs.unit_run import is_overdue
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.backlog import (
    UNWANTED,
    count_waiting,
    put_back,
    submit_backlog,
    submit_left_behind,
)
from video_pipeline.pipeline.sweep.events import listen
from video_pipeline.pipeline.sweep.polling import (
    UNREACHABLE_SECONDS,
    LookedUp,
    is_asked_here,
    look_up,
)
from video_pipeline.plugins.base import Jobs

SECONDS_A_ROUND = 40.0
"""For how long a round begins with anything more: Dagster gives the sensor that makes it 60 s, of
which the answers that are under way then, and what the sensor itself does, need some."""
_CLOSED_A_SWEEP = 20
_SECONDS_OF_CLOSING = 15.0
"""Jobs that nobody waits for any more: some are stopped, or their pages fetched, so that what was
paid is kept; none of a provider that does not answer, and for no longer than that."""


class Round(Frozen):
    """What one round of the sweep came to."""

    ready: tuple[WorkUnit, ...]
    """To be consumed by a run."""
    submitted: int
    """Requests that were made in it."""
    waiting: int
    """Units that wait for their turn after it."""


def sweep(services: Services, now: datetime, limit: int = 100) -> list[WorkUnit]:
    """`make_round`, for those who only ask what is ready."""
    return list(make_round(services, now, limit).ready)


def make_round(services: Services, now: datetime, limit: int = 100) -> Round:
    """Hear what has ended, look up the overdue jobs, at most `limit` of each project, and make the
    requests whose turn has come. Raises CatalogError."""
    until = time.monotonic() + SECONDS_A_ROUND
    listen(services, now, until)
    submitted = submit_left_behind(services, until)
    ended = _ended(services, look_up(services, now, limit, until), now, until)
    free_ended(services)
    put_back(services)
    submitted += submit_backlog(services, until)
    let_go = [u for p in services.catalog.projects() for u in services.of(p).units.ready()]
    known = {unit.id for unit in ended}
    late = [u for u in let_go if u.id not in known and u.state is not UnitState.RUNNING]
    return Round(ready=(*ended, *late), submitted=submitted, waiting=count_waiting(services))


def _ended(services: Services, found: LookedUp, now: datetime, until: float) -> list[WorkUnit]:
    """The units that are ready to be consumed by a run. Of those that nobody wants some are ended
    here."""
    ready: list[WorkUnit] = []
    closing = _Closing(services, found.silent, now, until)
    for unit in found.unwanted:
        closing.take(unit)
    for project in services.catalog.projects():
        for unit in services.of(project).units.ready():
            if unit.state is UnitState.RUNNING and not is_asked_here(services, unit, now):
                continue
            if unit.unwanted:
                closing.take(unit)
            else:
                ready.append(unit)
    return ready


class _Closing:
    """Ends units that nobody wants, until a sweep has done enough of that."""

    def __init__(
        self, services: Services, silent: Collection[str], now: datetime, until: float
    ) -> None:
        self._services, self._now, self._left = services, now, _CLOSED_A_SWEEP
        self._silent = set(silent)
        self._until = min(until, time.monotonic() + _SECONDS_OF_CLOSING)

    def take(self, unit: WorkUnit) -> None:
        """One that cannot be ended now waits, and holds up none behind it."""
        if not self._left or time.monotonic() > self._until:
            return
        key, provider = unit.request.key, unit.request.provider
        units = self._services.of(key.project).units
        now = units.get(unit.id)
        if now is None or not now.unwanted:
            return  # somebody has asked for it again meanwhile
        seconds = UNREACHABLE_SECONDS
        if provider not in self._silent:
            self._left -= 1
            came_to = close(self._services, key, unit.id, UNWANTED)
            if came_to is Closing.DONE:
                return
            if came_to is Closing.SILENT:
                self._silent.add(provider)
            seconds *= 2  # those that were not tried are, before it
        units.postpone(unit.id, self._now + timedelta(seconds=seconds))


def free_ended(services: Services) -> None:
    """Free the slots that nothing needs any more. Raises CatalogError."""
    pools = services.catalog.admissions
    for pool in pools.pools():
        for slot in pool.holders:
            _free(services, pool, slot)


def _free(services: Services, pool: Pool, slot: Slot) -> None:
    pools = services.catalog.admissions
    unit = services.of(slot.project).units.get(slot.unit)
    if unit is not None and unit.state is UnitState.INTENT:
        pools.free_expired(pool.name, slot.unit)
    elif unit is None or not _is_under_way(services, unit):
        pools.free(pool.name, slot.unit)


def _is_under_way(services: Services, unit: WorkUnit) -> bool:
    """Whether a job may run for it: one that was asked for so long ago has ended in any case."""
    plugin = services.plugins.get(unit.request.provider)
    runs = unit.state is UnitState.RUNNING and not unit.ready
    if not runs and unit.state is not UnitState.SUBMITTING:
        return False
    return not (isinstance(plugin, Jobs) and is_overdue(unit, plugin, services.clock()))
