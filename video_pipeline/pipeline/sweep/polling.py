"""Looking overdue jobs up at their providers, side by side, and noting what became of them.

A provider that fails is asked no more in that round, nor is one that does not answer in its time:
its units are looked up later, and hold up nobody's.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.jobs.moved_account import elsewhere
from video_pipeline.pipeline.jobs.unit_run import is_overdue
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.parallel import side_by_side
from video_pipeline.plugins.base import Jobs, JobStatus

_log = logging.getLogger(__name__)
UNREACHABLE_SECONDS = 60.0
"""When a job is looked up again whose provider did not answer."""
_AT_ONCE = 25
"""Jobs of one project that a provider is asked about at once: what it said of them is kept,
although it does not answer for others."""
_SECONDS_OF_LOOKING = 15.0
"""For how long a round looks jobs up: the requests that wait have their time too."""

_RUNNING = JobStatus(state="running")


class LookedUp:
    """What a round found out: `unwanted` run although nobody wants them, `silent` providers did
    not answer."""

    def __init__(self) -> None:
        self.unwanted: list[WorkUnit] = []
        self.silent: set[str] = set()


def look_up(services: Services, now: datetime, limit: int, until: float) -> LookedUp:
    """Look up the overdue jobs, at most `limit` of each project, those first that have waited
    longest; `until` by `time.monotonic`. Raises CatalogError."""
    until = min(until, time.monotonic() + _SECONDS_OF_LOOKING)
    asked = [
        _Asked(services, provider, units, until)
        for provider, units in _overdue(services, now, limit).items()
    ]
    side_by_side({one.name: one.ask for one in asked if one.plugin is not None}, until)
    found = LookedUp()
    for one in asked:
        if one.note(now, found.unwanted):
            found.silent.add(one.provider)
    return found


def _overdue(services: Services, now: datetime, limit: int) -> Mapping[str, list[WorkUnit]]:
    due = [
        unit
        for project in services.catalog.projects()
        for unit in services.of(project).units.due(now, limit)
    ]
    overdue: defaultdict[str, list[WorkUnit]] = defaultdict(list)
    for unit in sorted(due, key=lambda unit: unit.poll_at or now):
        if is_asked_here(services, unit, now):
            overdue[unit.request.provider].append(unit)
    return overdue


def is_asked_here(services: Services, unit: WorkUnit, now: datetime) -> bool:
    """Whether its provider's entry can know the job; else it stays as it is, and is told of."""
    error = elsewhere(unit, services.plugins.get(unit.request.provider))
    if error is None:
        return True
    later = now + timedelta(seconds=UNREACHABLE_SECONDS)
    services.of(unit.request.key.project).units.postpone(unit.id, later)
    _log.warning("%s: %s", unit.request.key, error)
    return False


class _Asked:
    """One provider's overdue jobs."""

    def __init__(
        self, services: Services, provider: str, units: Sequence[WorkUnit], until: float
    ) -> None:
        plugin = services.plugins.get(provider)
        self._services, self.provider, self._until = services, provider, until
        self.plugin = plugin if isinstance(plugin, Jobs) else None
        self.name = f"jobs of {provider} ({id(plugin):x})"
        self._of_project: defaultdict[str, list[WorkUnit]] = defaultdict(list)
        for unit in units:
            self._of_project[unit.request.key.project].append(unit)
        self._batches: list[tuple[WorkUnit, ...]] = []
        self._answers: list[Mapping[str, JobStatus]] = []
        """What was answered, as far as it was: of the first batches."""
        self._out_of_time = False

    def ask(self) -> None:
        """Ask for the status of each, until the provider fails once, or time is over."""
        for batch in self._in_turn():
            if time.monotonic() > self._until:
                self._out_of_time = True
                return
            self._batches.append(batch)
            assert self.plugin is not None
            try:
                self._answers.append(dict(self.plugin.poll([u.job for u in batch if u.job])))
            except Exception as error:  # noqa: BLE001 - one plugin must not hold up the others
                project = batch[0].request.key.project
                _log.warning("project %s: %s: %s", project, self.provider, error)
                return

    def _in_turn(self) -> list[tuple[WorkUnit, ...]]:
        """A batch holds units of one project; those first whose oldest has waited longest."""
        batches = [
            tuple(units[start : start + _AT_ONCE])
            for units in self._of_project.values()
            for start in range(0, len(units), _AT_ONCE)
        ]
        return sorted(batches, key=lambda batch: str(batch[0].poll_at))

    def note(self, now: datetime, unwanted: list[WorkUnit]) -> bool:
        """Note what was found; whether the provider did not answer, for some at least."""
        if self.plugin is None:
            self._note_unasked(now)
            return False
        answers = list(self._answers)  # a thread that was left to itself may add to them
        known = {unit.id for batch in self._batches[: len(answers)] for unit in batch}
        statuses = {job: status for answer in answers for job, status in answer.items()}
        left = [u for units in self._of_project.values() for u in units if u.id not in known]
        for batch in self._batches[: len(answers)]:
            for unit in batch:
                self._note(unit, statuses.get(unit.job or ""), now, unwanted)
        silent = bool(left) and not self._out_of_time
        if silent:
            _log.warning("%s did not answer for %d jobs: later", self.provider, len(left))
        for unit in left if silent else ():
            self._postpone(unit, now, UNREACHABLE_SECONDS)
        return silent

    def _note(
        self, unit: WorkUnit, status: JobStatus | None, now: datetime, unwanted: list[WorkUnit]
    ) -> None:
        assert self.plugin is not None
        given_up = is_overdue(unit, self.plugin, now)
        if status is None or status.state != "running" or given_up:
            self._services.of(unit.request.key.project).units.mark_ready(unit.id, now)
            return
        self._postpone(unit, now, self.plugin.poll_seconds)
        if unit.unwanted:
            unwanted.append(unit)

    def _note_unasked(self, now: datetime) -> None:
        here = self.provider in self._services.unavailable
        why = "a variable of which is not set here"
        why = why if here else "which pipeline.yaml does not name any more"
        for project, units in self._of_project.items():
            told = "project %s: %d jobs run at %r, %s"
            _log.warning(told, project, len(units), self.provider, why)
            for unit in units:
                if here:
                    self._postpone(unit, now, UNREACHABLE_SECONDS)
                else:  # nobody can ask any more: the next run ends them
                    self._services.of(project).units.mark_ready(unit.id, now)

    def _postpone(self, unit: WorkUnit, now: datetime, seconds: float) -> None:
        units = self._services.of(unit.request.key.project).units
        units.postpone(unit.id, now + timedelta(seconds=seconds))
