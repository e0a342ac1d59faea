"""Bringing a work unit to an end that nobody asks for any more, so that what was paid is counted
and no run waits for it. Who decides that is not said here.
"""

import logging
from enum import Enum, auto

from video_pipeline.domain.errors import FailureCategory, PipelineError, ProviderError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.work import UnitFailure, UnitState, WorkUnit
from video_pipeline.pipeline.admission import slots
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.moved_account import elsewhere
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.jobs.remote_job import FETCHED_FOR
from video_pipeline.pipeline.jobs.unit_run import is_overdue
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs

_log = logging.getLogger(__name__)


class Closing(Enum):
    """What came of bringing a unit to an end."""

    DONE = auto()
    """It has ended as far as its provider lets us, or another run is at work on it, and ends it."""
    LATER = auto()
    """It must be tried again; that says nothing of other units of its provider."""
    SILENT = auto()
    """The same, and its provider asks to be left alone for a while, or does not answer."""


def close(services: Services, key: VideoKey, unit_id: str, because: str) -> Closing:
    """Bring a unit to an end as far as its provider lets us."""
    with Leases(services, services.of(key.project).units) as leases:
        unit = leases.try_take(unit_id)
        if unit is None:
            return Closing.DONE
        if unit.state is UnitState.INTENT:
            why = "nothing was asked of the provider yet"
            _end(services, unit, UnitState.CANCELLED, f"{because}: {why}")
        elif unit.state is UnitState.SUBMITTING:
            _end_unheard(services, unit, because)
        elif unit.state is UnitState.RUNNING:
            return _end_job(services, key, unit, because)
        return Closing.DONE


def _end_unheard(services: Services, unit: WorkUnit, because: str) -> None:
    plugin = services.plugins.get(unit.request.provider)
    free = plugin is not None and plugin.capabilities().replay == "free"
    state = UnitState.CANCELLED if free else UnitState.IN_DOUBT
    _end(services, unit, state, f"{because}: the run that asked for it died")


def _end_job(services: Services, key: VideoKey, unit: WorkUnit, because: str) -> Closing:
    provider = unit.request.provider
    plugin = services.plugins.get(provider)
    if plugin is None and provider in services.unavailable:
        _log.warning("%s: work unit %s: a variable of %s is not set here", key, unit.id, provider)
        return Closing.LATER
    if error := elsewhere(unit, plugin):
        _log.warning("%s: %s", key, error)
        return Closing.LATER
    if not isinstance(plugin, Jobs):
        why = "pipeline.yaml names its provider no more"
        _end(services, unit, UnitState.CANCELLED, f"{because}: {why}")
        return Closing.DONE
    try:
        _end_as_it_stands(services, unit, plugin, because)
    except Exception as error:  # noqa: BLE001 - it is closed by a later run; this one goes on
        _log.warning("%s: work unit %s cannot be closed yet: %s", key, unit.id, error)
        silent = isinstance(error, ProviderError) and error.category.retryable
        return Closing.SILENT if silent else Closing.LATER
    return Closing.DONE


def _end_as_it_stands(services: Services, unit: WorkUnit, plugin: Jobs, because: str) -> None:
    """A job that runs on, and that its provider does not stop, is left until its time is over."""
    job = unit.job or ""
    status = plugin.poll([job]).get(job)
    if status is None:
        _end(services, unit, UnitState.FAILED, f"{because}: the provider knows no job {job}")
    elif status.state == "failed":
        _end(services, unit, UnitState.FAILED, f"{because}: the job failed", billed=False)
    elif status.state == "succeeded":
        _keep_result(services, unit, plugin, because)
    elif plugin.cancel(job):
        _end(services, unit, UnitState.CANCELLED, f"{because}: the provider stopped it")
    elif is_overdue(unit, plugin, services.clock()):
        _end(services, unit, UnitState.FAILED, f"{because}: the job has not ended in its time")


def _keep_result(services: Services, unit: WorkUnit, plugin: Jobs, because: str) -> None:
    key = unit.request.key
    try:
        pages = RawPages(services.outputs.project(key.project), key, unit.id)
        pages.store(plugin.fetch(unit.job or ""))
    except Exception as error:
        if not _is_given_up(services, unit, plugin, error):
            raise
        why = f"{because}: the result of job {unit.job} could not be fetched: {error}"
        _end(services, unit, UnitState.FAILED, why)
    else:
        _end(services, unit, UnitState.SETTLED, "")


def _is_given_up(services: Services, unit: WorkUnit, plugin: Jobs, error: Exception) -> bool:
    """Whether a result is fetched no more; what is wrong here says nothing of it."""
    if isinstance(error, ProviderError) and error.category.past_mending:
        return True
    ours = isinstance(error, PipelineError) and not isinstance(error, ProviderError)
    return not ours and is_overdue(unit, plugin, services.clock() - FETCHED_FOR)


def _end(
    services: Services, unit: WorkUnit, state: UnitState, why: str, *, billed: bool = True
) -> None:
    """Bring a row to an end; once it was asked for, what was planned counts as used, but of jobs
    that failed at their provider."""
    asked = unit.state is not UnitState.INTENT
    used = unit.planned if asked and billed else ()
    changes: dict[str, object] = {"ready": False, "settled": used}
    if state is not UnitState.SETTLED:
        changes["failure"] = UnitFailure(category=FailureCategory.CANCELLED, message=why)
    units = services.of(unit.request.key.project).units
    units.move(unit, state, services.clock(), **changes)
    plugin = services.plugins.get(unit.request.provider)
    if asked:
        slots.free(services, unit, plugin)
    else:
        slots.give_back(services, unit, plugin)
