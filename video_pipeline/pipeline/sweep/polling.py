"""Poll overdue jobs at their providers, in parallel, and record their statuses.

A provider that fails or times out is not polled again in that round. Its jobs are postponed, and do
not delay the jobs of others.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from video_pipeline.domain.unit_policy import JobStep, after_poll
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.jobs.moved_account import elsewhere
from video_pipeline.pipeline.jobs.unit_run import is_overdue
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.parallel import in_parallel
from video_pipeline.plugins.base import Jobs, JobStatus

_log = logging.getLogger(__name__)
# When a job is polled again after its provider did not answer.
UNREACHABLE_SECONDS = 60.0
# Jobs of one project in one call. Their statuses are kept even if a later call fails.
_BATCH = 25
# How long a round polls: the backlog needs time too.
_POLL_SECONDS = 15.0


class Polled:
    """The result of a round of polling: orphaned jobs that still run, unresponsive providers."""

    def __init__(self) -> None:
        self.orphaned: list[WorkUnit] = []
        self.unresponsive: set[str] = set()


def poll_overdue(services: Services, now: datetime, limit: int, until: float) -> Polled:
    """Poll at most `limit` overdue jobs of each project, the longest overdue first."""
    until = min(until, services.elapsed() + _POLL_SECONDS)
    polls = [
        _ProviderPoll(services, provider, units, until)
        for provider, units in _overdue(services, now, limit).items()
    ]
    calls = {one.name: one.poll for one in polls if one.plugin is not None}
    in_parallel(calls, until, services.elapsed)
    polled = Polled()
    for one in polls:
        if one.record(now, polled.orphaned):
            polled.unresponsive.add(one.provider)
    return polled


def _overdue(services: Services, now: datetime, limit: int) -> Mapping[str, list[WorkUnit]]:
    due = [unit for one in services.catalog.each() for unit in one.units.due(now, limit)]
    overdue: defaultdict[str, list[WorkUnit]] = defaultdict(list)
    for unit in sorted(due, key=lambda unit: unit.due_at or now):
        if is_pollable(services, unit, now):
            overdue[unit.request.provider].append(unit)
    return overdue


def is_pollable(services: Services, unit: WorkUnit, now: datetime) -> bool:
    """Return whether account and region still match; if not, warn and postpone the unit."""
    error = elsewhere(unit, services.plugins.get(unit.request.provider))
    if error is None:
        return True
    later = now + timedelta(seconds=UNREACHABLE_SECONDS)
    services.of(unit.request.key.project).units.postpone(unit.id, later)
    _log.warning("%s: %s", unit.request.key, error)
    return False


class _ProviderPoll:
    """The overdue jobs of one provider."""

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
        # The answers so far, of the first batches.
        self._answers: list[Mapping[str, JobStatus]] = []
        self._out_of_time = False

    def poll(self) -> None:
        """Poll batch after batch until the provider fails or the time is over."""
        for batch in self._in_turn():
            if self._services.elapsed() > self._until:
                self._out_of_time = True
                return
            self._batches.append(batch)
            assert self.plugin is not None
            try:
                self._answers.append(dict(self.plugin.poll([u.job for u in batch if u.job])))
            except Exception as error:  # noqa: BLE001 - one plugin must not block the others
                project = batch[0].request.key.project
                _log.warning("project %s: %s: %s", project, self.provider, error)
                return

    def _in_turn(self) -> list[tuple[WorkUnit, ...]]:
        """Return batches of units of one project, the longest overdue first."""
        batches = [
            tuple(units[start : start + _BATCH])
            for units in self._of_project.values()
            for start in range(0, len(units), _BATCH)
        ]
        return sorted(batches, key=lambda batch: str(batch[0].due_at))

    def record(self, now: datetime, orphaned: list[WorkUnit]) -> bool:
        """Record the statuses. Returns True if the provider failed to answer for some jobs."""
        if self.plugin is None:
            self._record_unconfigured(now)
            return False
        answers = list(self._answers)  # a thread past its time may still add to them
        known = {unit.id for batch in self._batches[: len(answers)] for unit in batch}
        statuses = {job: status for answer in answers for job, status in answer.items()}
        left = [u for units in self._of_project.values() for u in units if u.id not in known]
        for batch in self._batches[: len(answers)]:
            for unit in batch:
                self._record(unit, statuses.get(unit.job or ""), now, orphaned)
        unresponsive = bool(left) and not self._out_of_time
        if unresponsive:
            _log.warning(
                "%s did not answer for %d jobs; they are polled again later",
                self.provider,
                len(left),
            )
        for unit in left if unresponsive else ():
            self._postpone(unit, now, UNREACHABLE_SECONDS)
        return unresponsive

    def _record(
        self, unit: WorkUnit, status: JobStatus | None, now: datetime, orphaned: list[WorkUnit]
    ) -> None:
        assert self.plugin is not None
        overdue = is_overdue(unit, self.plugin, now)
        step = after_poll(status.state if status else None, overdue=overdue)
        if step is not JobStep.WAIT:
            self._services.of(unit.request.key.project).units.end(unit.id, now)
            return
        self._postpone(unit, now, self.plugin.poll_seconds, status.note if status else "")
        if unit.unwanted:
            orphaned.append(unit)

    def _record_unconfigured(self, now: datetime) -> None:
        unavailable = self.provider in self._services.unavailable
        why = "a variable of it is not set" if unavailable else "it is no longer in pipeline.yaml"
        for project, units in self._of_project.items():
            message = "project %s: %d jobs run at provider %r, but %s"
            _log.warning(message, project, len(units), self.provider, why)
            for unit in units:
                if unavailable:
                    self._postpone(unit, now, UNREACHABLE_SECONDS)
                else:  # it cannot be polled again: the next run ends the unit
                    self._services.of(project).units.end(unit.id, now)

    def _postpone(self, unit: WorkUnit, now: datetime, seconds: float, note: str = "") -> None:
        units = self._services.of(unit.request.key.project).units
        units.postpone(unit.id, now + timedelta(seconds=seconds), note)
