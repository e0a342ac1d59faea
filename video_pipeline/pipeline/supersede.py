"""Work that is under way for a video but that nobody asks for any more: another version of the
source arrived, or another provider, option or language was chosen.

Its ledger rows are brought to an end, so that what was paid is counted and no run waits for it.
What is in doubt stays so, for a person to look at.
"""

import logging
from collections.abc import Collection
from datetime import timedelta

from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import UnitFailure, UnitState, WorkUnit
from video_pipeline.pipeline.queue import PhaseQueue
from video_pipeline.pipeline.raw import RawPages
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs

_log = logging.getLogger(__name__)


def join_or_close(
    services: Services, key: VideoKey, queue: PhaseQueue, phases: Collection[Phase]
) -> list[WorkUnit]:
    """The units of this video that have not ended and that serve what is asked for now. Those
    of the same phases that don't are closed, as far as their provider lets us."""
    units = services.of(key.project).units
    open_ = [u for u in units.of_video(key.video) if not u.state.ended]
    joined = [u for u in open_ if _is_asked_for(services, queue, u)]
    for unit in open_:
        if unit not in joined and set(unit.request.phases) & set(phases):
            _close(services, key, unit.id)
    return joined


def _is_asked_for(services: Services, queue: PhaseQueue, unit: WorkUnit) -> bool:
    assigner, plugins = queue.assigner(), services.plugins
    return any(
        name in plugins and assigner.covers(unit, name, plugins[name], [phase])
        for phase in unit.request.phases
        for name in queue.order(phase)
    )


def _close(services: Services, key: VideoKey, unit_id: str) -> None:
    units = services.of(key.project).units
    lease = timedelta(seconds=services.policy.lease_seconds)
    unit = units.claim(unit_id, services.holder, lease)
    if unit is None:
        return  # another run is at work on it, and ends it
    try:
        if unit.state is UnitState.INTENT:
            _end(services, unit, UnitState.CANCELLED, "nothing was asked of the provider yet")
        elif unit.state is UnitState.SUBMITTING:
            _end_unheard(services, unit)
        elif unit.state is UnitState.RUNNING:
            _end_job(services, key, unit)
    finally:
        units.release(unit_id, services.holder)


def _end_unheard(services: Services, unit: WorkUnit) -> None:
    plugin = services.plugins.get(unit.request.provider)
    free = plugin is not None and plugin.capabilities().replay == "free"
    state = UnitState.CANCELLED if free else UnitState.IN_DOUBT
    _end(services, unit, state, "the run that asked for it died")


def _end_job(services: Services, key: VideoKey, unit: WorkUnit) -> None:
    plugin, job = services.plugins.get(unit.request.provider), unit.job or ""
    if not isinstance(plugin, Jobs):
        _end(services, unit, UnitState.CANCELLED, "pipeline.yaml names its provider no more")
        return
    try:
        status = plugin.poll([job]).get(job)
        if status is None:
            _end(services, unit, UnitState.FAILED, f"the provider knows no job {job}")
        elif status.state == "failed":
            _end(services, unit, UnitState.FAILED, "the job failed")
        elif status.state == "succeeded":
            outputs = services.outputs.project(key.project)
            RawPages(outputs, key, unit.id).store(plugin.fetch(job))
            _end(services, unit, UnitState.SETTLED, "")
        elif plugin.cancel(job):
            _end(services, unit, UnitState.CANCELLED, "the provider stopped it")
    except Exception as error:  # noqa: BLE001 - it is closed by a later run; this one goes on
        _log.warning("%s: work unit %s cannot be closed yet: %s", key, unit.id, error)


def _end(services: Services, unit: WorkUnit, state: UnitState, why: str) -> None:
    """Bring a row to an end; once it was asked for, what was planned counts as used."""
    asked = unit.state is not UnitState.INTENT
    changes: dict[str, object] = {"ready": False, "settled": unit.planned if asked else ()}
    if state is not UnitState.SETTLED:
        message = f"superseded by another version or choice: {why}"
        changes["failure"] = UnitFailure(category=FailureCategory.CANCELLED, message=message)
    units = services.of(unit.request.key.project).units
    units.move(unit, state, services.clock(), **changes)
