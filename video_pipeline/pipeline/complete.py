"""Finding out which jobs have ended: events are hints, a sweep of overdue rows is the truth.

Nothing is fetched here but what nobody waits for: a run of the video's partition does that. A
failed job counts as ended.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from video_pipeline.catalog.interface import ProjectCatalog
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.close import close
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs, JobStatus

_log = logging.getLogger(__name__)
_UNREACHABLE_SECONDS = 60.0
"""When a job is looked up again whose provider did not answer."""
_CLOSED_A_SWEEP = 20
"""Ended jobs that nobody waits for: their pages are fetched, so that what was paid is kept."""


def sweep(services: Services, now: datetime, limit: int = 100) -> list[WorkUnit]:
    """Look up the overdue jobs of every project, at most `limit` each; the units that are ready
    to be consumed by a run. Of those that nobody wants some are ended here."""
    ready: list[WorkUnit] = []
    closing = _CLOSED_A_SWEEP
    for project in services.catalog.projects():
        catalog = services.of(project)
        overdue: defaultdict[str, list[WorkUnit]] = defaultdict(list)
        for unit in catalog.units.due(now, limit):
            overdue[unit.request.provider].append(unit)
        for provider, units in overdue.items():
            _look_up(services, catalog, provider, units, now)
        for unit in catalog.units.ready():
            if not unit.unwanted:
                ready.append(unit)
            elif closing:
                closing -= 1
                close(services, unit.request.key, unit.id, "its backfill was cancelled")
    return ready


def hint(services: Services, provider: str, job: str) -> bool:
    """Somebody says that a job has ended: the next sweep looks. False for a job unknown here."""
    for project in services.catalog.projects():
        units = services.of(project).units
        unit = units.by_job(provider, job)
        if unit is not None:
            units.postpone(unit.id, services.clock())
            return True
    return False


def _look_up(
    services: Services,
    catalog: ProjectCatalog,
    provider: str,
    units: Sequence[WorkUnit],
    now: datetime,
) -> None:
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
    for unit in units:
        status = JobStatus(state="running") if statuses is None else statuses.get(unit.job or "")
        if status is not None and status.state == "running":
            catalog.units.postpone(unit.id, now + timedelta(seconds=later))
        else:
            catalog.units.mark_ready(unit.id, now)
