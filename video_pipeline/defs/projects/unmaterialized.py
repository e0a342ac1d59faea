"""Materializations that are logged again from the catalogue, without a run of the video."""

from collections.abc import Iterator, Sequence

import dagster as dg

from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.defs.videos.metadata import materialization
from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.naming.printable import count_of
from video_pipeline.domain.phases import PHASES, Phase
from video_pipeline.pipeline.backfill.selection import Picked
from video_pipeline.pipeline.backfill.unmaterialized import Shown
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.video_run import VideoRun

# Materializations in one run of the job. They take some milliseconds each, and a filmstrip more.
MOST_EVENTS = 50_000
# After so many videos a line of the log says how far it is.
_REPORTED = 100


def shown(instance: dg.DagsterInstance) -> Shown:
    """Return what Dagster shows of all videos."""
    return Shown(
        partitions=frozenset(instance.get_dynamic_partitions(VIDEOS_NAME)),
        materialized={p: instance.get_materialized_partitions(asset_key(p)) for p in Phase},
    )


def log_unmaterialized(
    context: dg.OpExecutionContext, services: Services, picked: Sequence[Picked]
) -> dict[str, str]:
    """Log the materializations of these phases. Return in words how many were logged or left.

    Safe to interrupt and to repeat: what was logged is not selected again.
    """
    logged, wanted = 0, sum(len(one.phases) for one in picked)
    for number, one in enumerate(picked, 1):
        if logged >= MOST_EVENTS:
            break
        try:
            for event in _events(VideoRun.of(services, one.key), one):
                context.instance.report_runless_asset_event(event)
                logged += 1
        except StorageError as error:
            context.log.warning(f"{one.key}: {error}")
        if number % _REPORTED == 0 or number == len(picked):
            context.log.info(f"{number} of {len(picked)} videos, {logged} results")
    left = wanted - logged
    if left:
        context.log.warning(f"{left} results are left: run this job again")
    more = f", {left} left: run this job again" if left else ""
    return {"result": f"{count_of(logged, 'result')} shown again{more}"}


def _events(run: VideoRun, picked: Picked) -> Iterator[dg.AssetMaterialization]:
    statuses = run.catalog.results.statuses(run.key.video)
    for phase in (phase for phase in PHASES if phase in picked.phases & statuses.keys()):
        status = statuses[phase]
        if status.state.good:
            yield materialization(
                run,
                Outcome(
                    phase=phase,
                    state=status.state,
                    result=status.result,
                    provider=status.provider,
                    message=status.message,
                    reused=True,
                ),
            )
