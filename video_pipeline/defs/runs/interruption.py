"""The phases of runs that died for good, or were terminated: no run of Dagster's continues them."""

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import islice

import dagster as dg

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.dagster_api.tags import BACKFILL_TAG, PARTITION_TAG
from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.runs.lost_retries_sensor import PASSED_OVER
from video_pipeline.defs.runs.requeue import UNFINISHED, is_cancelled
from video_pipeline.defs.ticks import within
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.timeline import PhaseStatus
from video_pipeline.pipeline.progress.interruption import SILENCE, interrupt

# A phase with a later event is not looked at: a run's phases begin and end within moments.
QUIET = timedelta(minutes=1)
# After this time Dagster, or else the sensor `lost_retries`, has queued the retry of a failed run.
RETRIED_WITHIN = 2 * PASSED_OVER
# Phases in one query to Dagster, and for how long a tick begins with another.
_BATCH = 100
_SECONDS_A_TICK = 10

_Silent = tuple[VideoKey, PhaseStatus]


def report_interrupted_runs(instance: dg.DagsterInstance, catalog: Catalog, now: datetime) -> int:
    """Report the running phases that no run continues, and return their number."""
    found = (
        (VideoKey(project=one.project, video=video), status)
        for one in catalog.each()
        for video, status in one.standings.silent(now - QUIET)
        # A run without Dagster is as unknown here as it is to a command.
        if status.run_id or status.updated_at < now - SILENCE
    )
    count = 0
    batches = iter(lambda: list(islice(found, _BATCH)), [])
    for batch in within(_SECONDS_A_TICK, batches):
        for key, status in _without_run(instance, batch, now):
            count += _report(instance, catalog, key, status, now)
    return count


def _without_run(
    instance: dg.DagsterInstance, batch: list[_Silent], now: datetime
) -> list[_Silent]:
    """Return the phases for which no run is unfinished, or may be queued again."""
    of_videos = {PARTITION_TAG: sorted({str(key) for key, _ in batch})}
    recently = now - RETRIED_WITHIN
    failed = [dg.DagsterRunStatus.FAILURE]
    runs = defaultdict[str, list[dg.DagsterRun]](list)
    for wanted in (
        dg.RunsFilter(statuses=UNFINISHED, tags=of_videos),
        dg.RunsFilter(statuses=failed, tags=of_videos, updated_after=recently),
    ):
        for run in instance.get_runs(wanted):
            runs[run.tags[PARTITION_TAG]].append(run)
    return [
        (key, status)
        for key, status in batch
        if not any(_makes(run, status.phase) for run in runs[str(key)])
    ]


def _makes(run: dg.DagsterRun, phase: Phase) -> bool:
    return run.asset_selection is None or asset_key(phase) in run.asset_selection


def _report(
    instance: dg.DagsterInstance,
    catalog: Catalog,
    key: VideoKey,
    status: PhaseStatus,
    now: datetime,
) -> bool:
    """Report a phase as interrupted, or as cancelled with its run."""
    run = instance.get_run_by_id(status.run_id) if status.run_id else None
    terminated = run is not None and run.status is dg.DagsterRunStatus.CANCELED
    if run is not None and terminated and is_cancelled(instance, run.tags.get(BACKFILL_TAG)):
        return False  # the sensor `completions` does, with its work units
    return interrupt(
        catalog.project(key.project),
        key.video,
        status,
        now,
        silent_since=now - QUIET,
        by_a_person=terminated,
    )
