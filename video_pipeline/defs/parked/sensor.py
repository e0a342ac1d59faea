"""The sensor of completions: work goes on whose provider's job has ended.

What ended is asked of the ledger at every tick, until a run has consumed it: nothing is lost with
a tick, a run or an event.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from itertools import islice

import dagster as dg

from video_pipeline.dagster_api.held_run import Held
from video_pipeline.defs.jobs import ingest_video
from video_pipeline.defs.parked.cancellations import call_off, see_to_cancelled, see_to_terminated
from video_pipeline.defs.parked.held_runs import release, waiting
from video_pipeline.defs.parked.run_requests import Wanting
from video_pipeline.defs.runs.requeue import is_cancelled
from video_pipeline.defs.ticks import pipeline_sensor
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import make_round

INTERVAL_SECONDS = 5
A_TICK = 100
"""Held runs that one tick lets go, and runs that it requests, at most: Dagster takes 17 to 35 s to
make 100 runs, and has 60 s for a tick."""


@pipeline_sensor(
    job=ingest_video,
    minimum_interval_seconds=INTERVAL_SECONDS,
    description="Lets held runs go whose provider's job has ended, or requests a run.",
)
def completions(
    context: dg.SensorEvaluationContext, services: Services
) -> dg.SensorResult | dg.SkipReason:
    """Look up overdue jobs once, and see to every video with an ended one."""
    assert context.repository_def is not None
    instance = context.instance
    called_off = cache(partial(is_cancelled, instance))  # each looked up once a tick
    all_held = waiting(instance)
    call_off(services, called_off, all_held)
    round_ = make_round(services, datetime.now(UTC))
    held = [run for run in all_held if not called_off(run.backfill)]
    freed = list(islice(_free(services, held), A_TICK))
    release(instance, context.repository_def, freed)
    ended = see_to_cancelled(instance, services, called_off, held)
    see_to_terminated(instance, services, called_off, held)
    still = {unit for run in held if run.run_id not in freed for unit in run.units}
    ready = [unit for unit in round_.ready if unit.id not in ended | still]
    wanting = Wanting(instance, services, called_off, {run.run_id for run in all_held})
    requests = list(islice(wanting.requests(ready), A_TICK))
    told = f"{len(ready)} jobs ended, {len(freed)} of {len(held)} held runs let go"
    told += f", {round_.submitted} requests made" if round_.submitted else ""
    told += f", {round_.waiting} wait for their turn" if round_.waiting else ""
    told += f", {len(ended)} jobs of cancelled backfills ended" if ended else ""
    if not requests:
        return dg.SkipReason(told)
    context.log.info(told)
    return dg.SensorResult(run_requests=requests)


def _free(services: Services, held: Collection[Held]) -> Iterator[str]:
    """The held runs that may go. What all of them wait for is read at once, by project."""
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for run in held:
        if run.key is not None:
            wanted[run.key.project] |= {*run.units}
    units = {p: services.of(p).units.among(ids) for p, ids in wanted.items() if ids}
    for run in held:
        if run.key is not None and _may_go(services, run, units.get(run.key.project, {})):
            yield run.run_id


def _may_go(services: Services, held: Held, known: Mapping[str, WorkUnit]) -> bool:
    """Whether one of the run's phases waits for no unit any more, as their jobs have ended or the
    run shall ask by itself; or whether none is left to wait for."""
    key = held.key
    if key is None:
        return False
    if held.units:
        found = [known.get(unit) for unit in held.units]
        waiting_for = [unit for unit in found if unit and _is_under_way(unit)]
        open_phases = {phase for unit in waiting_for for phase in unit.request.phases}
        ended = [unit for unit in found if unit not in waiting_for]
        return any(unit is None or set(unit.request.phases) - open_phases for unit in ended)
    left = [u for u in services.of(key.project).units.of_video(key.video) if u.parked or u.ready]
    return not left or any(unit.ready for unit in left)


def _is_under_way(unit: WorkUnit) -> bool:
    return unit.parked and not unit.ready
