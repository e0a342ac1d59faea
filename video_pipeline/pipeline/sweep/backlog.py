"""Submit requests without a run: those next in the backlog, and those interrupted by a crash.

The sweep submits for plugins that take the object's address, so that nothing is downloaded. For
others, and to report anything but a job or a deferral, it wakes the run that waits for the unit.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.fair_turns import pool_name, turns
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.slots import Pool
from video_pipeline.domain.unit_policy import Found, on_finding
from video_pipeline.domain.work import Stage, UnitState, WorkUnit
from video_pipeline.pipeline.admission.backlog import affordable, pool_of, projects_in
from video_pipeline.pipeline.admission.gate import GRANTED, Gate
from video_pipeline.pipeline.jobs.close import close
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.moved_account import elsewhere
from video_pipeline.pipeline.jobs.unit_run import is_overdue, replay_of
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.parallel import in_parallel
from video_pipeline.pipeline.sweep.submission import (
    MAX_REQUESTS,
    MAX_SECONDS,
    Requests,
    is_fed_objects,
    media_of,
)
from video_pipeline.plugins.base import Jobs, Plugin

_log = logging.getLogger(__name__)
# How long a request that began in time is waited for: Dagster ends a tick after 60 s.
_LAST_REQUEST_SECONDS = 15.0
# Why a unit is closed after its backfill was cancelled, or its phase failed by another request.
ORPHANED = "no run needs it any more"
# How many interrupted requests of one project a round reads.
_MAX_INTERRUPTED = 1000


def submit_backlog(services: Services, until: float = math.inf) -> int:
    """Submit the backlog until `until`, fairly between projects, and count the requests."""
    pools = services.catalog.admissions.pools()
    waiting = {pool for counts in _backlogs(services.catalog) for pool in counts}
    for pool in pools:
        if pool.name not in waiting:
            services.catalog.admissions.open_to_newcomers(pool)
    known = {pool.name: pool for pool in pools}
    rounds = [_Backlog(services, known.get(n) or Pool(name=n), until) for n in sorted(waiting)]
    return _run_all(rounds, until, services.elapsed)


def count_waiting(catalog: Catalog) -> int:
    """Return how many units wait in the backlog."""
    return sum(sum(counts.values()) for counts in _backlogs(catalog))


def submit_interrupted(services: Services, until: float = math.inf) -> int:
    """Repeat requests whose process died before it recorded the answer.

    Where the provider does not recognise a repeated request, the run that waits is woken instead,
    and marks the unit as in doubt. Returns how many requests were made.
    """
    rounds: dict[str, _Interrupted] = {}
    for project in services.catalog.projects():
        for unit in _interrupted(services, project):
            request = unit.request
            plugin = services.plugins.get(request.provider)
            pool = pool_of(plugin, request) if plugin else pool_name(request, None)
            if pool not in rounds:
                known = services.catalog.admissions.pools(pool)
                new = _Interrupted(services, known[0] if known else Pool(name=pool), until)
                rounds[pool] = new
            rounds[pool].units.append(unit)
    return _run_all(list(rounds.values()), until, services.elapsed)


def _interrupted(services: Services, project: str) -> Iterator[WorkUnit]:
    """Yield the interrupted units that can be handled here; others would block them for ever."""
    now, plugins = services.clock(), services.plugins
    repeatable = {
        name: now - timedelta(seconds=plugin.deadline_seconds)
        for name, plugin in plugins.items()
        if isinstance(plugin, Jobs) and is_fed_objects(plugin)
        if plugin.capabilities().replay != "unsafe"
    }
    for unit in services.of(project).units.abandoned(repeatable, now, _MAX_INTERRUPTED):
        provider = unit.request.provider
        run_waits = unit.state.parked and provider not in services.unavailable
        if run_waits or media_of(services, unit, plugins.get(provider)) is not None:
            yield unit


def requeue_refused(services: Services) -> int:
    """Requeue refused units whose process died before it did so, and count them."""
    fed = [name for name, plugin in services.plugins.items() if is_fed_objects(plugin)]
    return sum(
        _requeue(services, unit)
        for one in services.catalog.each()
        for unit in one.units.dropped(fed, MAX_REQUESTS)
    )


def _requeue(services: Services, unit: WorkUnit) -> bool:
    units = services.of(unit.request.key.project).units
    plugin = services.plugins[unit.request.provider]
    lease = timedelta(seconds=services.policy.lease_seconds)
    held = units.claim(unit.id, services.holder, lease)
    if held is None:
        return False
    try:
        if held.state is not UnitState.PLANNED:
            return False
        Gate(services, plugin, held.request).queue(held)
        return True
    finally:
        units.release(unit.id, services.holder)


def _backlogs(catalog: Catalog) -> Iterator[dict[str, int]]:
    """Yield the backlog of each project: units by pool."""
    return (one.units.backlog() for one in catalog.each())


def _run_all(rounds: Sequence[Requests], until: float, elapsed: Callable[[], float]) -> int:
    """Make the requests of all pools in parallel, so that no provider delays the others."""
    until = min(until, elapsed() + MAX_SECONDS) + _LAST_REQUEST_SECONDS
    return sum(in_parallel({one.name: one.run for one in rounds}, until, elapsed).values())


class _Backlog(Requests):
    """The units that wait for one pool, in fair order."""

    def _in_turn(self) -> Iterator[WorkUnit]:
        turn = projects_in(self._services.catalog, self._pool.name, self._pool)
        waiting = {
            project: affordable(self._services, project, self._pool.name, MAX_REQUESTS)
            for project in turn
        }
        known = {
            project: one.model_copy(update={"waiting": len(waiting[project])})
            for project, one in turn.items()
        }
        for project in turns(known):
            yield waiting[project].pop(0)

    def _process(self, unit: WorkUnit) -> bool:
        key = unit.request.key
        plugin = self._services.plugins.get(unit.request.provider)
        unavailable = plugin is None and unit.request.provider in self._services.unavailable
        with Leases(self._services, self._services.of(key.project).units) as leases:
            held = leases.try_take(unit.id)
            if held is None or held.state is not UnitState.QUEUED:
                return True  # another process works on it
            if held.unwanted:
                leases.release(unit.id)
                close(self._services, key, unit.id, ORPHANED)
                return True
            return unavailable or self._admit(held, plugin, leases)

    def _admit(self, unit: WorkUnit, plugin: Plugin | None, leases: Leases) -> bool:
        media = media_of(self._services, unit, plugin)
        if plugin is None:
            units = self._services.of(unit.request.key.project).units
            units.hand_over(unit.id, self._services.clock())
            return True
        soon = timedelta(seconds=self._services.policy.lease_seconds)
        lease = GRANTED if media is None else soon
        gate = Gate(self._services, plugin, unit.request)
        refused = gate.admit(unit, newcomer=False, lease=lease)
        if refused is not None:
            if not refused.full:
                gate.queue(unit, refused.wait)
            return not refused.full
        if media is None or not isinstance(plugin, Jobs):
            self.wake_run(unit, plugin)
            return True
        return self.submit(unit, plugin, media, leases)


class _Interrupted(Requests):
    """The interrupted requests of one pool."""

    def __init__(self, services: Services, pool: Pool, until: float) -> None:
        super().__init__(services, pool, until)
        self.units: list[WorkUnit] = []

    def _in_turn(self) -> Iterator[WorkUnit]:
        return iter(self.units)

    def _process(self, unit: WorkUnit) -> bool:
        services, key = self._services, unit.request.key
        plugin = services.plugins.get(unit.request.provider)
        if plugin is None and unit.request.provider in services.unavailable:
            return True
        if error := elsewhere(unit, plugin):
            _log.warning("%s: %s", key, error)
            return True
        media = media_of(services, unit, plugin)
        with Leases(services, services.of(key.project).units) as leases:
            held = leases.try_take(unit.id)
            if held is None or held.state.stage is not Stage.SENT:
                return True
            if media is not None and isinstance(plugin, Jobs) and self._may_repeat(held, plugin):
                return self._repeat(held, plugin, media, leases)
            if held.state.parked:
                services.of(key.project).units.hand_over(held.id, services.clock())
            return True

    def _repeat(self, unit: WorkUnit, plugin: Jobs, media: MediaInfo, leases: Leases) -> bool:
        soon = timedelta(seconds=self._services.policy.lease_seconds)
        # A deferred unit has freed its slot, and needs one again.
        gate = Gate(self._services, plugin, unit.request)
        if not gate.take_slot(unit, newcomer=False, lease=soon):
            return True
        return self.submit(unit, plugin, media, leases)

    def _may_repeat(self, unit: WorkUnit, plugin: Jobs) -> bool:
        now = self._services.clock()
        found = on_finding(unit.state.stage, replay_of(unit, plugin, now), stored=False)
        return found is Found.REPEAT and not is_overdue(unit, plugin, now)
