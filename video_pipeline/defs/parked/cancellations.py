"""What becomes of the jobs of a cancelled backfill, whoever cancelled it and wherever."""

from collections.abc import Callable, Collection

import dagster as dg

from video_pipeline.dagster_api.held_run import Held, awaited_by_none
from video_pipeline.dagster_api.tags import BACKFILL_TAG
from video_pipeline.defs.parked.held_runs import cancelled, seen_to
from video_pipeline.defs.ticks import within
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.jobs.cancel import cancel, cancel_run
from video_pipeline.pipeline.services import Services

_A_TICK = 50
_SECONDS_A_TICK = 15
"""Held runs of cancelled backfills that one tick sees to, at most, and for how long it begins with
another: each may ask a provider."""

IsCancelled = Callable[[str | None], bool]
"""Whether a backfill was cancelled, or is being so."""


def call_off(services: Services, is_cancelled: IsCancelled, waiting: Collection[Held]) -> None:
    """Let nothing be asked of a provider any more for held runs that go with their backfill, but
    that are not ended yet."""
    wanted = [run for run in waiting if not is_cancelled(run.backfill)]
    for run in waiting:
        if run.key is not None and is_cancelled(run.backfill):
            units = services.of(run.key.project).units
            for unit in map(units.get, awaited_by_none(run, wanted)):
                if unit is not None and unit.waiting:
                    units.set_unwanted(unit.id, True)


def see_to_cancelled(
    instance: dg.DagsterInstance,
    services: Services,
    is_cancelled: IsCancelled,
    waiting: Collection[Held],
) -> set[str]:
    """End the jobs of held runs whose backfill was cancelled, but for those that a run that still
    waits needs too: the work units. A run that was ended by hand, alone, is made again when its job
    has ended."""
    ended = set[str]()
    for run in within(_SECONDS_A_TICK, cancelled(instance, _A_TICK)):
        with_backfill = is_cancelled(run.backfill)
        units = awaited_by_none(run, waiting)
        if with_backfill and run.key is not None and (units or not run.units):
            cancel(services, run.key, units, _because(run.backfill))
            ended |= units
        seen_to(instance, run, with_backfill=with_backfill)
    return ended


def see_to_terminated(
    instance: dg.DagsterInstance,
    services: Services,
    is_cancelled: IsCancelled,
    waiting: Collection[Held],
) -> None:
    """End what runs of cancelled backfills were at work on when they were terminated, but for units
    that a run that still waits needs."""
    for key, run_id in within(_SECONDS_A_TICK, _at_work(services)):
        run = instance.get_run_by_id(run_id)
        if run is None or run.status is not dg.DagsterRunStatus.CANCELED:
            continue
        backfill = run.tags.get(BACKFILL_TAG)
        if is_cancelled(backfill):
            kept = {u for held in waiting if held.partition == str(key) for u in held.units}
            cancel_run(services, key, run_id, _because(backfill), kept=kept)


def _at_work(services: Services) -> list[tuple[VideoKey, str]]:
    """The videos of which a phase stands as running, each with the run that said so."""
    found = {
        (VideoKey(project=project, video=video), status.run_id)
        for project in services.catalog.projects()
        for video, status in services.of(project).standings.in_state(PhaseState.RUNNING)
        if status.run_id
    }
    return sorted(found, key=str)


def was_cancelled(
    instance: dg.DagsterInstance, services: Services, is_cancelled: IsCancelled, unit: WorkUnit
) -> bool:
    """Whether the run that left a unit behind was ended with its backfill, before it could hold
    another; the unit is then cancelled too."""
    key = unit.request.key
    statuses = services.of(key.project).results.statuses(key.video)
    left_by = {s.run_id for s in statuses.values() if s.unit == unit.id and s.run_id}
    for run in filter(None, map(instance.get_run_by_id, left_by)):
        backfill = run.tags.get(BACKFILL_TAG)
        if is_cancelled(backfill):
            cancel(services, key, [unit.id], _because(backfill))
            return True
    return False


def _because(backfill: str | None) -> str:
    return f"backfill {backfill} was cancelled"
