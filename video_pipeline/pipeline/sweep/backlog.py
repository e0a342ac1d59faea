"""Requests that are made without a run: those whose turn in the backlog has come, and those that a
process left behind that died while it made them.

Here requests are made whose plugin is fed the object's address itself: nothing is downloaded. For
all others, and wherever something comes of it but a job or a later try, the run is let go that
waits: it asks by itself, and tells what came of it.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from video_pipeline.domain.fair_turns import pool_name, turns
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.slots import Pool
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.admission import slots
from video_pipeline.pipeline.admission.slots import affordable
from video_pipeline.pipeline.jobs.close import close
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.moved_account import elsewhere
from video_pipeline.pipeline.jobs.unit_run import is_overdue
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.submission import A_ROUND, Requests, is_fed_objects, media_of
from video_pipeline.plugins.base import Jobs, Plugin

_log = logging.getLogger(__name__)
_THREADS = 16
"""Each pool has one of its own: a provider that hangs holds up no other's requests."""
UNWANTED = "nobody waits for it any more"
"""Its backfill was cancelled, or its phase failed by another request."""
_LOOKED_AT = 1000
"""Requests left behind of one project that one round looks at."""


def submit_backlog(services: Services, until: float = math.inf) -> int:
    """Make the requests whose turn has come, fairly between the projects; how many were made.

    None is begun after `until`, by `time.monotonic`. Raises CatalogError.
    """
    pools = services.catalog.admissions.pools()
    waited_for = {p for project in services.catalog.projects() for p in _backlog(services, project)}
    for pool in pools:
        if pool.name not in waited_for:
            services.catalog.admissions.nobody_waits(pool)
    known = {pool.name: pool for pool in pools}
    turns_of = [_Round(services, known.get(n) or Pool(name=n), until) for n in sorted(waited_for)]
    return _side_by_side(turns_of)


def count_waiting(services: Services) -> int:
    """How many units wait for their turn."""
    return sum(
        count
        for project in services.catalog.projects()
        for count in _backlog(services, project).values()
    )


def submit_left_behind(services: Services, until: float = math.inf) -> int:
    """Make requests again that a process began and did not live to note, where the provider
    recognises them. Where it does not, a run that waits is let go and puts them in doubt."""
    rounds: dict[str, _Again] = {}
    for project in services.catalog.projects():
        for unit in _left_behind(services, project):
            request = unit.request
            plugin = services.plugins.get(request.provider)
            pool = slots.pool_of(plugin, request) if plugin else pool_name(request, None)
            if pool not in rounds:
                known = services.catalog.admissions.pools(pool)
                rounds[pool] = _Again(services, known[0] if known else Pool(name=pool), until)
            rounds[pool].left.append(unit)
    return _side_by_side(list(rounds.values()))


def _left_behind(services: Services, project: str) -> Iterator[WorkUnit]:
    """Those only of which something can be made here: the others would hold them up for ever."""
    now, plugins = services.clock(), services.plugins
    repeatable = {
        name: now - timedelta(seconds=plugin.deadline_seconds)
        for name, plugin in plugins.items()
        if isinstance(plugin, Jobs) and is_fed_objects(plugin)
        if plugin.capabilities().replay != "unsafe"
    }
    for unit in services.of(project).units.abandoned(repeatable, now, _LOOKED_AT):
        provider = unit.request.provider
        told_by_a_run = unit.waiting and provider not in services.unavailable
        if told_by_a_run or media_of(services, unit, plugins.get(provider)) is not None:
            yield unit


def put_back(services: Services) -> int:
    """Let units wait for their turn again whose request was refused, and for which a process died
    before it could note that; how many there were. Raises CatalogError."""
    fed = [name for name, plugin in services.plugins.items() if is_fed_objects(plugin)]
    return sum(
        _put_back(services, unit)
        for project in services.catalog.projects()
        for unit in services.of(project).units.dropped(fed, A_ROUND)
    )


def _put_back(services: Services, unit: WorkUnit) -> bool:
    units = services.of(unit.request.key.project).units
    plugin = services.plugins[unit.request.provider]
    lease = timedelta(seconds=services.policy.lease_seconds)
    held = units.claim(unit.id, services.holder, lease)
    if held is None:
        return False
    try:
        if held.state is not UnitState.INTENT or held.waiting or held.ready:
            return False
        slots.wait(services, held, plugin, slots.crowded(plugin, held.request))
        return True
    finally:
        units.release(unit.id, services.holder)


def _backlog(services: Services, project: str) -> dict[str, int]:
    return services.of(project).units.backlog()


def _side_by_side(rounds: Sequence[Requests]) -> int:
    if not rounds:
        return 0
    with ThreadPoolExecutor(min(_THREADS, len(rounds)), "submit") as threads:
        return sum(threads.map(Requests.run, rounds))


class _Round(Requests):
    """The units that wait for one pool, in the order of their turns."""

    def _units(self) -> Iterator[WorkUnit]:
        turn = slots.projects_in(self._services, self._pool.name, self._pool)
        waiting = {project: self._fitting(project) for project in turn}
        known = {
            project: one.model_copy(update={"waiting": len(waiting[project])})
            for project, one in turn.items()
        }
        for project in turns(known):
            yield waiting[project].pop(0)

    def _fitting(self, project: str) -> list[WorkUnit]:
        units = self._services.of(project).units
        return affordable(self._services, units, self._pool.name, A_ROUND)

    def _take_up(self, unit: WorkUnit) -> bool:
        key = unit.request.key
        plugin = self._services.plugins.get(unit.request.provider)
        elsewhere = plugin is None and unit.request.provider in self._services.unavailable
        with Leases(self._services, self._services.of(key.project).units) as leases:
            held = leases.try_take(unit.id)
            if held is None or held.state is not UnitState.INTENT or not held.waiting:
                return True  # somebody else is at work on it
            if held.unwanted:
                close(self._services, key, unit.id, UNWANTED)
                return True
            return elsewhere or self._admitted(held, plugin, leases)

    def _admitted(self, unit: WorkUnit, plugin: Plugin | None, leases: Leases) -> bool:
        media = media_of(self._services, unit, plugin)
        if plugin is None:
            units = self._services.of(unit.request.key.project).units
            units.let_go(unit.id, self._services.clock())
            return True
        soon = timedelta(seconds=self._services.policy.lease_seconds)
        lease = slots.GRANTED if media is None else soon
        refused = slots.admit(self._services, unit, plugin, newcomer=False, lease=lease)
        if refused is not None:
            if not refused.full:
                slots.wait(self._services, unit, plugin, refused.reason)
            return not refused.full
        if media is None or not isinstance(plugin, Jobs):
            self.let_go(unit, plugin)
            return True
        return self.request(unit, plugin, media, leases)


class _Again(Requests):
    """The units of one pool whose request a process left behind."""

    def __init__(self, services: Services, pool: Pool, until: float) -> None:
        super().__init__(services, pool, until)
        self.left: list[WorkUnit] = []

    def _units(self) -> Iterator[WorkUnit]:
        return iter(self.left)

    def _take_up(self, unit: WorkUnit) -> bool:
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
            if held is None or held.state is not UnitState.SUBMITTING:
                return True
            if media is not None and isinstance(plugin, Jobs) and self._recognised(held, plugin):
                return self._asked(held, plugin, media, leases)
            if held.waiting:
                services.of(key.project).units.let_go(held.id, services.clock())
            return True

    def _asked(self, unit: WorkUnit, plugin: Jobs, media: MediaInfo, leases: Leases) -> bool:
        """One that was put off has given its slot back."""
        soon = timedelta(seconds=self._services.policy.lease_seconds)
        if not slots.take_slot(self._services, unit, plugin, newcomer=False, lease=soon):
            return True
        return self.request(unit, plugin, media, leases)

    def _recognised(self, unit: WorkUnit, plugin: Jobs) -> bool:
        overdue = is_overdue(unit, plugin, self._services.clock())
        return plugin.capabilities().replay != "unsafe" and not overdue
