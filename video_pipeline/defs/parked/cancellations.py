"""The end of the jobs of a cancelled backfill, wherever it was cancelled."""

from collections.abc import Callable, Collection

import dagster as dg

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.dagster_api.held_runs import Held, units_of_no_other
from video_pipeline.dagster_api.tags import BACKFILL_TAG
from video_pipeline.defs.parked.held_runs import cancelled, mark_handled
from video_pipeline.defs.ticks import within
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.cancel import cancel, cancel_run
from video_pipeline.pipeline.services import Services

# Held runs of cancelled backfills that one tick handles, and for how many seconds it begins with
# another: each may send a request to a provider.
_A_TICK = 50
_SECONDS_A_TICK = 15

# Whether a backfill of this id was cancelled, or is being cancelled.
IsCancelled = Callable[[str | None], bool]


def mark_unwanted(catalog: Catalog, is_cancelled: IsCancelled, held: Collection[Held]) -> None:
    """Submit no unit that only runs of cancelled backfills wait for, before these runs end."""
    wanted = [run for run in held if not is_cancelled(run.backfill)]
    for run in held:
        if run.key is not None and is_cancelled(run.backfill):
            units = catalog.project(run.key.project).units
            for unit in map(units.get, units_of_no_other(run, wanted)):
                if unit and unit.state in (UnitState.QUEUED, UnitState.UNANSWERED):
                    units.set_unwanted(unit.id, True)


def end_cancelled(
    instance: dg.DagsterInstance,
    services: Services,
    is_cancelled: IsCancelled,
    held: Collection[Held],
) -> set[str]:
    """End the jobs of held runs that were cancelled with their backfill. Return the work units.

    A job that another held run waits for goes on. If only the run was cancelled, by hand, a new run
    is requested when its job has ended.
    """
    ended = set[str]()
    for run in within(_SECONDS_A_TICK, cancelled(instance, _A_TICK)):
        with_backfill = is_cancelled(run.backfill)
        units = units_of_no_other(run, held)
        if with_backfill and run.key is not None and (units or not run.units):
            cancel(services, run.key, units, _because(run.backfill))
            ended |= units
        mark_handled(instance, run, with_backfill=with_backfill)
    return ended


def end_terminated(
    instance: dg.DagsterInstance,
    services: Services,
    is_cancelled: IsCancelled,
    held: Collection[Held],
) -> None:
    """End the work of runs that were terminated with their backfill.

    A unit that a held run waits for goes on.
    """
    for key, run_id in within(_SECONDS_A_TICK, _running(services.catalog)):
        run = instance.get_run_by_id(run_id)
        if run is None or run.status is not dg.DagsterRunStatus.CANCELED:
            continue
        backfill = run.tags.get(BACKFILL_TAG)
        if is_cancelled(backfill):
            kept = {unit for run in held if run.partition == str(key) for unit in run.units}
            cancel_run(services, key, run_id, _because(backfill), kept=kept)


def _running(catalog: Catalog) -> list[tuple[VideoKey, str]]:
    """Return the videos with a running phase, each with the run that recorded it."""
    found = {
        (VideoKey(project=one.project, video=video), status.run_id)
        for one in catalog.each()
        for video, status in one.standings.in_state(PhaseState.RUNNING)
        if status.run_id
    }
    return sorted(found, key=str)


def cancel_orphaned(
    instance: dg.DagsterInstance, services: Services, is_cancelled: IsCancelled, unit: WorkUnit
) -> bool:
    """Cancel a unit whose run was cancelled with its backfill before it could hold another run.

    Return whether the unit was cancelled.
    """
    key = unit.request.key
    statuses = services.of(key.project).results.statuses(key.video)
    run_ids = {s.run_id for s in statuses.values() if s.unit == unit.id and s.run_id}
    for run in filter(None, map(instance.get_run_by_id, run_ids)):
        backfill = run.tags.get(BACKFILL_TAG)
        if is_cancelled(backfill):
            cancel(services, key, [unit.id], _because(backfill))
            return True
    return False


def _because(backfill: str | None) -> str:
    return f"backfill {backfill} was cancelled"
