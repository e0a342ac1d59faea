"""What becomes of the jobs of a cancelled backfill, whoever cancelled it and wherever."""

import dagster as dg

from video_pipeline.defs.held import cancelled, is_cancelled, seen_to
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.cancel import cancel
from video_pipeline.pipeline.services import Services
from video_pipeline.webserver.tags import BACKFILL_TAG

_A_TICK = 50
"""Held runs of cancelled backfills that one tick sees to: each may ask a provider."""


def see_to_cancelled(instance: dg.DagsterInstance, services: Services) -> int:
    """End the jobs of held runs whose backfill was cancelled; how many there were. A run that was
    ended by hand, alone, is made again when its job has ended."""
    ended = 0
    for run in cancelled(instance, _A_TICK):
        with_backfill = is_cancelled(instance, run.backfill)
        if with_backfill and run.key is not None:
            ended += len(cancel(services, run.key, run.units, _because(run.backfill)))
        seen_to(instance, run, with_backfill=with_backfill)
    return ended


def was_cancelled(instance: dg.DagsterInstance, services: Services, unit: WorkUnit) -> bool:
    """Whether the run that left a unit behind was ended with its backfill, before it could hold
    another; the unit is then cancelled too."""
    key = unit.request.key
    statuses = services.of(key.project).results.statuses(key.video)
    left_by = {s.run_id for s in statuses.values() if s.unit == unit.id and s.run_id}
    for run in filter(None, map(instance.get_run_by_id, left_by)):
        backfill = run.tags.get(BACKFILL_TAG)
        if is_cancelled(instance, backfill):
            cancel(services, key, [unit.id], _because(backfill))
            return True
    return False


def _because(backfill: str | None) -> str:
    return f"backfill {backfill} was cancelled"
