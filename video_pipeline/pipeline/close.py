"""Bringing a work unit to an end that nobody asks for any more, so that what was paid is counted
and no run waits for it. Who decides that is not said here.
"""

import logging

from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.work import UnitFailure, UnitState, WorkUnit
from video_pipeline.pipeline import admission
from video_pipeline.pipeline.drive import is_overdue
from video_pipeline.pipeline.lease import Leases
from video_pipeline.pipeline.place import elsewhere, is_elsewhere
from video_pipeline.pipeline.raw import RawPages
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs

_log = logging.getLogger(__name__)


def close(services: Services, key: VideoKey, unit_id: str, because: str) -> bool:
    """Bring a unit to an end as far as its provider lets us; False where nobody could ask it, so
    that it must be tried again. One that another run is at work on is left to it."""
    with Leases(services, services.of(key.project).units) as leases:
        unit = leases.try_take(unit_id)
        if unit is None:
            return True  # another run is at work on it, and ends it
        if unit.state is UnitState.INTENT:
            why = "nothing was asked of the provider yet"
            _end(services, unit, UnitState.CANCELLED, f"{because}: {why}")
        elif unit.state is UnitState.SUBMITTING:
            _end_unheard(services, unit, because)
        elif unit.state is UnitState.RUNNING:
            return _end_job(services, key, unit, because)
        return True


def _end_unheard(services: Services, unit: WorkUnit, because: str) -> None:
    plugin = services.plugins.get(unit.request.provider)
    free = plugin is not None and plugin.capabilities().replay == "free"
    state = UnitState.CANCELLED if free else UnitState.IN_DOUBT
    _end(services, unit, state, f"{because}: the run that asked for it died")


def _end_job(services: Services, key: VideoKey, unit: WorkUnit, because: str) -> bool:
    provider, job = unit.request.provider, unit.job or ""
    plugin = services.plugins.get(provider)
    if plugin is None and provider in services.unavailable:
        _log.warning("%s: work unit %s: a variable of %s is not set here", key, unit.id, provider)
        return False
    if is_elsewhere(unit, plugin):
        _log.warning("%s: %s", key, elsewhere(unit, plugin))
        return False
    if not isinstance(plugin, Jobs):
        why = "pipeline.yaml names its provider no more"
        _end(services, unit, UnitState.CANCELLED, f"{because}: {why}")
        return True
    try:
        status = plugin.poll([job]).get(job)
        if status is None:
            _end(services, unit, UnitState.FAILED, f"{because}: the provider knows no job {job}")
        elif status.state == "failed":
            _end(services, unit, UnitState.FAILED, f"{because}: the job failed")
        elif status.state == "succeeded":
            outputs = services.outputs.project(key.project)
            RawPages(outputs, key, unit.id).store(plugin.fetch(job))
            _end(services, unit, UnitState.SETTLED, "")
        elif plugin.cancel(job):
            _end(services, unit, UnitState.CANCELLED, f"{because}: the provider stopped it")
        elif is_overdue(unit, plugin, services.clock()):
            _end(services, unit, UnitState.FAILED, f"{because}: the job has not ended in its time")
    except Exception as error:  # noqa: BLE001 - it is closed by a later run; this one goes on
        _log.warning("%s: work unit %s cannot be closed yet: %s", key, unit.id, error)
        return False
    return True


def _end(services: Services, unit: WorkUnit, state: UnitState, why: str) -> None:
    """Bring a row to an end; once it was asked for, what was planned counts as used."""
    asked = unit.state is not UnitState.INTENT
    changes: dict[str, object] = {"ready": False, "settled": unit.planned if asked else ()}
    if state is not UnitState.SETTLED:
        changes["failure"] = UnitFailure(category=FailureCategory.CANCELLED, message=why)
    units = services.of(unit.request.key.project).units
    units.move(unit, state, services.clock(), **changes)
    plugin = services.plugins.get(unit.request.provider)
    if asked:
        admission.free(services, unit, plugin)
    else:
        admission.give_back(services, unit, plugin)
