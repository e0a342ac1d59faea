"""End a work unit that no run needs, so that its usage is recorded and no run waits for it."""

import logging
from dataclasses import dataclass
from enum import Enum, auto

from video_pipeline.domain.errors import (
    FailureCategory,
    InputError,
    ProviderError,
)
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.unit_policy import (
    FetchStep,
    JobStep,
    after_fetch,
    after_poll,
    closed,
    is_passing,
)
from video_pipeline.domain.work import Stage, UnitFailure, UnitState, WorkUnit
from video_pipeline.pipeline.admission.gate import Gate
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.moved_account import elsewhere
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.jobs.remote_job import FETCH_RETRIED_FOR
from video_pipeline.pipeline.jobs.unit_run import is_overdue, plugin_broke
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs

_log = logging.getLogger(__name__)
_WITHOUT_JOB = {
    Stage.UNSENT: "no request was made yet",
    Stage.SENT: "its run died while it made the request",
}


class Closing(Enum):
    """The result of closing a unit."""

    DONE = auto()
    """It has ended as far as the provider allows, or another run holds it and ends it."""
    LATER = auto()
    """Try again; other units of the provider are not affected."""
    SILENT = auto()
    """Try again; the provider is throttling or does not answer."""


def close(services: Services, key: VideoKey, unit_id: str, because: str) -> Closing:
    """End a unit as far as its provider allows."""
    with Leases(services, services.of(key.project).units) as leases:
        unit = leases.try_take(unit_id)
        if unit is None:
            return Closing.DONE
        stage, closer = unit.state.stage, _Closer(services, unit, because)
        if stage in _WITHOUT_JOB:
            plugin = services.plugins.get(unit.request.provider)
            replay = plugin.capabilities().replay if plugin else "unsafe"
            closer.end(closed(stage, replay), _WITHOUT_JOB[stage])
        elif stage is Stage.ACCEPTED:
            return closer.end_job()
        return Closing.DONE


def check_in_doubt(unit: WorkUnit) -> None:
    """Raise InputError unless the unit is in doubt."""
    if unit.state.stage is not Stage.DOUBTED:
        raise InputError(
            f"it is {unit.state}, not in doubt",
            where=unit.id,
            remedy="See `video-pipeline jobs --state in_doubt` for those that are.",
        )


def release_doubt(services: Services, unit: WorkUnit) -> WorkUnit:
    """Fail a unit in doubt, so that the next run makes its request again, and may pay again.

    The planned usage still counts. A person must first check whether the provider accepted the
    request. Raises InputError for a unit that is not in doubt.
    """
    check_in_doubt(unit)
    failure = UnitFailure(
        category=FailureCategory.CANCELLED, message="released by hand while in doubt"
    )
    units = services.of(unit.request.key.project).units
    now = services.clock()
    return units.finish(unit, UnitState.FAILED, now, used=unit.planned, failure=failure)


@dataclass(frozen=True, slots=True)
class _Closer:
    """Ends one unit that is leased."""

    services: Services
    unit: WorkUnit
    because: str

    def end_job(self) -> Closing:
        """End a unit whose job the provider knows."""
        unit, services = self.unit, self.services
        key, provider = unit.request.key, unit.request.provider
        plugin = services.plugins.get(provider)
        if plugin is None and provider in services.unavailable:
            message = "%s: work unit %s cannot be closed yet: a variable of %s is not set"
            _log.warning(message, key, unit.id, provider)
            return Closing.LATER
        if error := elsewhere(unit, plugin):
            _log.warning("%s: %s", key, error)
            return Closing.LATER
        if not isinstance(plugin, Jobs):
            self.end(UnitState.CANCELLED, "its provider is no longer in pipeline.yaml")
            return Closing.DONE
        try:
            self._end_by_status(plugin)
        except Exception as error:  # noqa: BLE001 - a later run closes it; this one continues
            _log.warning("%s: work unit %s cannot be closed yet: %s", key, unit.id, error)
            silent = isinstance(error, ProviderError) and is_passing(error.category)
            return Closing.SILENT if silent else Closing.LATER
        return Closing.DONE

    def _end_by_status(self, plugin: Jobs) -> None:
        """End the unit by its job's status. A job that cannot be stopped runs to its deadline."""
        job = self.unit.job or ""
        status = plugin.poll([job]).get(job)
        overdue = is_overdue(self.unit, plugin, self.services.clock())
        step = after_poll(status.state if status else None, overdue=overdue)
        if step is JobStep.LOSE:
            self.end(UnitState.FAILED, f"the provider knows no job {job}")
        elif step is JobStep.FAIL:
            self.end(UnitState.FAILED, "the job failed", billed=False)
        elif step is JobStep.FETCH:
            self._keep_result(plugin, job)
        elif plugin.cancel(job):
            self.end(UnitState.CANCELLED, "the provider stopped it")
        elif step is JobStep.STOP:
            self.end(UnitState.FAILED, "the job passed its deadline")

    def _keep_result(self, plugin: Jobs, job: str) -> None:
        key = self.unit.request.key
        try:
            outputs = self.services.outputs.project(key.project)
            RawPages(outputs, key, self.unit.id).store(plugin.fetch(job))
        except Exception as broken:
            error = plugin_broke(self.unit.request.provider, broken)
            too_late = is_overdue(self.unit, plugin, self.services.clock() - FETCH_RETRIED_FOR)
            if after_fetch(error, too_late=too_late) in (FetchStep.LATER, FetchStep.RAISE):
                raise error from broken
            why = f"the result of job {job} could not be fetched: {error}"
            self.end(UnitState.FAILED, why)
        else:
            self.end(UnitState.SETTLED, "")

    def end(self, state: UnitState, why: str, *, billed: bool = True) -> None:
        """End the row. After a request the planned usage counts, except of jobs that failed."""
        unit, services = self.unit, self.services
        requested = unit.state.stage is not Stage.UNSENT
        used = unit.planned if requested and billed else ()
        failure = None
        if state is not UnitState.SETTLED:
            message = f"{self.because}: {why}"
            failure = UnitFailure(category=FailureCategory.CANCELLED, message=message)
        units = services.of(unit.request.key.project).units
        units.finish(unit, state, services.clock(), used=used, failure=failure)
        plugin = services.plugins.get(unit.request.provider)
        if plugin is not None:
            gate = Gate(services, plugin, unit.request)
            (gate.free if requested else gate.refund)(unit)
        elif not requested:
            services.catalog.admissions.unreserve(unit.id)
