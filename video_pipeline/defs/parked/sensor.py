"""The sensor of completions: it continues phases whose provider's job has ended.

Each tick reads from the ledger which units have ended, until a run has consumed them. So a lost
tick, run or event loses nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from itertools import islice

import dagster as dg

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.dagster_api.held_runs import Held
from video_pipeline.defs.jobs import ingest_video
from video_pipeline.defs.parked.cancellations import end_cancelled, end_terminated, mark_unwanted
from video_pipeline.defs.parked.held_runs import release, waiting
from video_pipeline.defs.parked.run_requests import RunRequests
from video_pipeline.defs.portions import Portion
from video_pipeline.defs.runs.requeue import is_cancelled
from video_pipeline.defs.ticks import pipeline_sensor, remembered
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import make_round

# A tick costs 0.1 CPU-s with Dagster's part, and a provider's job takes minutes.
INTERVAL_SECONDS = 10
# Held runs that one tick releases.
A_TICK = 100


@pipeline_sensor(
    job=ingest_video,
    minimum_interval_seconds=INTERVAL_SECONDS,
    description="Releases held runs whose provider's job has ended, or requests a run.",
)
def completions(
    context: dg.SensorEvaluationContext, services: Services
) -> dg.SensorResult | dg.SkipReason:
    """Look up overdue jobs once, and continue every video with an ended job."""
    assert context.repository_def is not None
    instance = context.instance
    portion = remembered(Portion, context.cursor).next(datetime.now(UTC))
    cancelled = cache(partial(is_cancelled, instance))  # each is looked up once a tick
    all_held = waiting(instance)
    mark_unwanted(services.catalog, cancelled, all_held)
    round_ = make_round(services, datetime.now(UTC))
    held = [run for run in all_held if not cancelled(run.backfill)]
    released = list(islice(_releasable(services.catalog, held), A_TICK))
    release(instance, context.repository_def, released)
    ended = end_cancelled(instance, services, cancelled, held)
    end_terminated(instance, services, cancelled, held)
    awaited = {unit for run in held if run.run_id not in released for unit in run.units}
    ready = [unit for unit in round_.ready if unit.id not in ended | awaited]
    wanted = RunRequests(instance, services, cancelled, {run.run_id for run in all_held})
    requests = list(islice(wanted.of(ready), portion.size))
    portion = portion.spent(len(requests), datetime.now(UTC))
    context.update_cursor(portion.model_dump_json())
    message = f"{len(ready)} jobs ended, {len(released)} of {len(held)} held runs released"
    message += f", {round_.submitted} requests submitted" if round_.submitted else ""
    message += f", {round_.waiting} wait for their turn" if round_.waiting else ""
    message += f", {len(ended)} jobs of cancelled backfills ended" if ended else ""
    if not requests:
        return dg.SkipReason(message)
    context.log.info(message)
    return dg.SensorResult(run_requests=requests)


def _releasable(catalog: Catalog, held: Collection[Held]) -> Iterator[str]:
    """Yield the ids of held runs to release. Their units are read at once, project by project."""
    awaited: defaultdict[str, set[str]] = defaultdict(set)
    for run in held:
        if run.key is not None:
            awaited[run.key.project] |= {*run.units}
    units = {p: catalog.project(p).units.among(ids) for p, ids in awaited.items() if ids}
    for run in held:
        if run.key is not None and _is_releasable(catalog, run, units.get(run.key.project, {})):
            yield run.run_id


def _is_releasable(catalog: Catalog, held: Held, known: Mapping[str, WorkUnit]) -> bool:
    """Return whether a run has something to do: a phase whose units are all ready, or gone.

    A unit is ready if its job has ended, or if the run shall submit it itself. A run whose tags
    name no units is released when any unit of its video is ready, or none is left.
    """
    key = held.key
    if key is None:
        return False
    if held.units:
        found = [known.get(unit) for unit in held.units]
        pending = [unit for unit in found if unit and unit.state.parked and not unit.state.ready]
        pending_phases = {phase for unit in pending for phase in unit.request.phases}
        ended = [unit for unit in found if unit not in pending]
        return any(unit is None or set(unit.request.phases) - pending_phases for unit in ended)
    states = [unit.state for unit in catalog.project(key.project).units.of_video(key.video)]
    left = [state for state in states if state.parked or state.ready]
    return not left or any(state.ready for state in left)
