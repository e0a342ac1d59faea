"""One round of the sweep: find ended jobs, submit the backlog, close orphaned jobs.

Events are hints; polling decides. A failed job counts as ended. Results are fetched by runs of the
video's partition, except those of orphaned units, which are fetched here.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import Stage, UnitState, WorkUnit
from video_pipeline.pipeline.jobs.close import Closing, close
from video_pipeline.pipeline.jobs.unit_run import is_overdue
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.backlog import (
    ORPHANED,
    count_waiting,
    requeue_refused,
    submit_backlog,
    submit_interrupted,
)
from video_pipeline.pipeline.sweep.events import listen
from video_pipeline.pipeline.sweep.polling import (
    UNREACHABLE_SECONDS,
    Polled,
    is_pollable,
    poll_overdue,
)
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.base import Jobs, Plugin

# After this time a round starts nothing more. Dagster gives its sensor 60 s, and calls already
# made need the rest.
SECONDS_A_ROUND = 40.0
# How many orphaned units a round closes, and for how long.
_MAX_CLOSED = 20
_CLOSE_SECONDS = 15.0
_OPEN = frozenset({PhaseState.PARKED, PhaseState.RUNNING, PhaseState.WAITING})
# The command that goes on from each state; `retry` from any other.
_VERB = {UnitState.SETTLED: "fetch", UnitState.IN_DOUBT: "release"}


class Round(Frozen):
    """The result of one round of the sweep."""

    ready: tuple[WorkUnit, ...]
    """Units for a run to consume."""
    submitted: int
    """Requests made in this round."""
    waiting: int
    """Units that still wait in the backlog."""


def make_round(services: Services, now: datetime, limit: int = 100) -> Round:
    """Receive events, poll at most `limit` overdue jobs a project, and submit the backlog."""
    until = services.elapsed() + SECONDS_A_ROUND
    listen(services, now, until)
    submitted = submit_interrupted(services, until)
    ended = _ended(services, poll_overdue(services, now, limit, until), now, until)
    free_ended(services)
    requeue_refused(services)
    submitted += submit_backlog(services, until)
    ready = [unit for one in services.catalog.each() for unit in one.units.ready()]
    known = {unit.id for unit in ended}
    late = [u for u in ready if u.id not in known and u.state is not UnitState.ENDED]
    return Round(
        ready=(*ended, *late), submitted=submitted, waiting=count_waiting(services.catalog)
    )


def _ended(services: Services, polled: Polled, now: datetime, until: float) -> list[WorkUnit]:
    """Return the units for a run to consume, after closing some orphaned ones."""
    ready: list[WorkUnit] = []
    closer = _Closer(services, polled.unresponsive, now, until)
    for unit in polled.orphaned:
        closer.close(unit)
    for one in services.catalog.each():
        for unit in one.units.ready():
            if unit.state is UnitState.ENDED and not is_pollable(services, unit, now):
                continue
            if unit.unwanted:
                closer.close(unit)
            else:
                ready.append(unit)
    return ready


class _Closer:
    """Closes orphaned units, up to the limits of a round."""

    def __init__(
        self, services: Services, unresponsive: Collection[str], now: datetime, until: float
    ) -> None:
        self._services, self._now, self._left = services, now, _MAX_CLOSED
        self._unresponsive = set(unresponsive)
        self._until = min(until, services.elapsed() + _CLOSE_SECONDS)

    def close(self, unit: WorkUnit) -> None:
        """Close one unit, or postpone it so that it does not block the next."""
        if not self._left or self._services.elapsed() > self._until:
            return
        key, provider = unit.request.key, unit.request.provider
        units = self._services.of(key.project).units
        now = units.get(unit.id)
        if now is None or not now.unwanted:
            return  # a run needs it again
        seconds = UNREACHABLE_SECONDS
        if provider not in self._unresponsive:
            self._left -= 1
            closing = close(self._services, key, unit.id, ORPHANED)
            if closing is Closing.DONE:
                return
            if closing is Closing.SILENT:
                self._unresponsive.add(provider)
            seconds *= 2  # units not tried in this round go first
        units.postpone(unit.id, self._now + timedelta(seconds=seconds))


def free_ended(services: Services) -> None:
    """Free the slots of units without a running job. Raises CatalogError."""
    pools = services.catalog.admissions
    for pool in pools.pools():
        for slot in pool.holders:
            unit = services.of(slot.project).units.get(slot.unit)
            if unit is not None and unit.state.stage is Stage.UNSENT:
                pools.free_expired(pool.name, slot.unit)
            elif unit is None or not _may_run(unit, services.plugins, services.clock()):
                pools.free(pool.name, slot.unit)


def _may_run(unit: WorkUnit, plugins: Mapping[str, Plugin], now: datetime) -> bool:
    """Return whether a job may run for the unit. After the deadline none can."""
    plugin = plugins.get(unit.request.provider)
    if unit.state is UnitState.ENDED or unit.state.stage not in (Stage.SENT, Stage.ACCEPTED):
        return False
    return not (isinstance(plugin, Jobs) and is_overdue(unit, plugin, now))


def give_up(services: Services, unit: WorkUnit, runs: int) -> bool:
    """Close a ready unit that several runs did not consume, and report its phases as failed.

    Returns False if its provider does not answer now, so that it must be tried again. Pages of a
    successful job are kept for a later run.
    """
    key = unit.request.key
    project = services.of(key.project)
    because = f"{runs} runs were started for it and none consumed it"
    closed = close(services, key, unit.id, because) is Closing.DONE
    now = project.units.get(unit.id)
    if now is None or not closed or now.state.stage not in (Stage.OVER, Stage.DOUBTED):
        later = services.clock() + timedelta(seconds=UNREACHABLE_SECONDS)
        project.units.postpone(unit.id, later)
        return False
    report = Reporter(VideoRun.of(services, key))
    statuses = project.results.statuses(key.video)
    verb = _VERB.get(now.state, "retry")
    remedy = f"see why those runs failed, then run `video-pipeline jobs {verb} {unit.id}`"
    for status in (statuses[phase] for phase in unit.request.phases if phase in statuses):
        if status.unit == unit.id and status.state in _OPEN:
            report.tell(
                status.phase,
                PhaseState.FAILED,
                provider=unit.request.provider,
                message=f"{because}: {remedy}",
                unit=unit.id,
            )
    return True
