"""Finding out which jobs have ended: events are hints, a sweep of overdue rows is the truth.

Nothing is fetched here but what nobody waits for: a run of the video's partition does that. A
failed job counts as ended.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from video_pipeline.catalog.interface import ProjectCatalog
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.close import close
from video_pipeline.pipeline.drive import is_overdue
from video_pipeline.pipeline.listen import listen
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.slots import free_ended
from video_pipeline.pipeline.submit import (
    count_waiting,
    put_back,
    submit_backlog,
    submit_left_behind,
)
from video_pipeline.plugins.base import Jobs, JobStatus

_log = logging.getLogger(__name__)
_UNREACHABLE_SECONDS = 60.0
"""When a job is looked up again whose provider did not answer."""
_CLOSED_A_SWEEP = 20
_SECONDS_OF_CLOSING = 15.0
"""Jobs that nobody waits for any more: some are stopped, or their pages fetched, so that what was
paid is kept; no more once a provider does not answer, or for longer than that."""


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
    listen(services, now)
    submitted = submit_left_behind(services)
    ended = _ended(services, now, limit)
    free_ended(services)
    put_back(services)
    submitted += submit_backlog(services)
    let_go = [u for p in services.catalog.projects() for u in services.of(p).units.ready()]
    known = {unit.id for unit in ended}
    late = [u for u in let_go if u.id not in known and u.state is not UnitState.RUNNING]
    return Round(ready=(*ended, *late), submitted=submitted, waiting=count_waiting(services))


def _ended(services: Services, now: datetime, limit: int) -> list[WorkUnit]:
    """The units that are ready to be consumed by a run. Of those that nobody wants some are ended
    here."""
    ready: list[WorkUnit] = []
    closing = _Closing(services, now)
    for project in services.catalog.projects():
        catalog = services.of(project)
        overdue: defaultdict[str, list[WorkUnit]] = defaultdict(list)
        for unit in catalog.units.due(now, limit):
            overdue[unit.request.provider].append(unit)
        for provider, units in overdue.items():
            for unit in _look_up(services, catalog, provider, units, now):
                closing.take(unit)
        for unit in catalog.units.ready():
            if unit.unwanted:
                closing.take(unit)
            else:
                ready.append(unit)
    return ready


class _Closing:
    """Ends units that nobody wants, until a sweep has done enough of that."""

    def __init__(self, services: Services, now: datetime) -> None:
        self._services, self._now, self._left = services, now, _CLOSED_A_SWEEP
        self._until = time.monotonic() + _SECONDS_OF_CLOSING

    def take(self, unit: WorkUnit) -> None:
        """One that cannot be ended now waits, and holds up none behind it."""
        if not self._left or time.monotonic() > self._until:
            return
        key = unit.request.key
        units = self._services.of(key.project).units
        now = units.get(unit.id)
        if now is None or not now.unwanted:
            return  # somebody has asked for it again meanwhile
        self._left -= 1
        if not close(self._services, key, unit.id, "its backfill was cancelled"):
            self._left = 0
            units.postpone(unit.id, self._now + timedelta(seconds=_UNREACHABLE_SECONDS))


def _look_up(
    services: Services,
    catalog: ProjectCatalog,
    provider: str,
    units: Sequence[WorkUnit],
    now: datetime,
) -> list[WorkUnit]:
    """Note what became of these jobs; those that run although nobody wants them any more."""
    plugin = services.plugins.get(provider)
    later = _UNREACHABLE_SECONDS
    statuses: dict[str, JobStatus] | None = None
    if isinstance(plugin, Jobs):
        try:
            statuses = dict(plugin.poll([unit.job for unit in units if unit.job]))
            later = plugin.poll_seconds
        except Exception as error:  # noqa: BLE001 - one plugin must not hold up the others
            _log.warning("project %s: %s: %s", catalog.project, provider, error)
    elif provider in services.unavailable:
        _log.warning(
            "project %s: %d jobs run at %r, a variable of which is not set here",
            *(catalog.project, len(units), provider),
        )
    else:
        statuses = {}  # nobody can ask any more: the next run ends them
        _log.warning(
            "project %s: %d jobs run at %r, which pipeline.yaml does not name any more",
            *(catalog.project, len(units), provider),
        )
    unwanted: list[WorkUnit] = []
    for unit in units:
        status = JobStatus(state="running") if statuses is None else statuses.get(unit.job or "")
        overdue = isinstance(plugin, Jobs) and is_overdue(unit, plugin, now)
        given_up = overdue and statuses is not None
        if status is None or status.state != "running" or given_up:
            catalog.units.mark_ready(unit.id, now)
            continue
        catalog.units.postpone(unit.id, now + timedelta(seconds=later))
        if unit.unwanted and statuses is not None:
            unwanted.append(unit)
    return unwanted
