"""Giving back the slots whose jobs have ended, or whose holder died before it made a request."""

from video_pipeline.domain.slots import Pool, Slot
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.drive import is_overdue
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs


def free_ended(services: Services) -> None:
    """Free the slots that nothing needs any more. Raises CatalogError."""
    pools = services.catalog.admissions
    for pool in pools.pools():
        for slot in pool.holders:
            _free(services, pool, slot)


def _free(services: Services, pool: Pool, slot: Slot) -> None:
    pools = services.catalog.admissions
    unit = services.of(slot.project).units.get(slot.unit)
    if unit is not None and unit.state is UnitState.INTENT:
        pools.free_expired(pool.name, slot.unit)
    elif unit is None or not _is_under_way(services, unit):
        pools.free(pool.name, slot.unit)


def _is_under_way(services: Services, unit: WorkUnit) -> bool:
    """Whether a job may run for it: one that was asked for so long ago has ended in any case."""
    plugin = services.plugins.get(unit.request.provider)
    runs = unit.state is UnitState.RUNNING and not unit.ready
    if not runs and unit.state is not UnitState.SUBMITTING:
        return False
    return not (isinstance(plugin, Jobs) and is_overdue(unit, plugin, services.clock()))
