"""Old runs in Dagster's records, and their deletion without a change of what partitions show.

Dagster deletes a run's asset events with it, and its partitions would show as missing. So the run
that made, or last planned, what a partition shows is kept.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import cache, partial
from pathlib import Path

import dagster as dg

from video_pipeline.dagster_api.backfills import UNDER_WAY
from video_pipeline.dagster_api.tags import BACKFILL_TAG
from video_pipeline.domain.errors import ConfigurationError

_PAGE = 200
_FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


def records_of(home: Path) -> dg.DagsterInstance:
    """Open Dagster's records in this folder. Raises ConfigurationError if there are none."""
    if not (home / "dagster.yaml").is_file():
        raise ConfigurationError(
            "this folder has no Dagster records",
            where=str(home),
            remedy="Set DAGSTER_HOME to the folder that has them.",
        )
    return dg.DagsterInstance.from_config(str(home))


def delete_old(
    instance: dg.DagsterInstance, before: datetime, limit: int, *, dry_run: bool = False
) -> tuple[int, int]:
    """Delete at most `limit` runs that ended before then, oldest first.

    Returns how many were deleted and how many were kept. Safe to interrupt and to repeat.
    """
    deleted = kept = 0
    is_open = cache(partial(_is_open, instance))
    for run in _old(instance, before):
        if deleted >= limit:
            break
        if is_open(run.tags.get(BACKFILL_TAG)) or _is_needed(instance, run):
            kept += 1
            continue
        if not dry_run:
            instance.delete_run(run.run_id)
        deleted += 1
    return deleted, kept


def _old(instance: dg.DagsterInstance, before: datetime) -> Iterator[dg.DagsterRun]:
    """Yield old runs. All ids are read first, since deletions would shift the pages."""
    old = dg.RunsFilter(statuses=_FINISHED, updated_before=before)
    ids, cursor = list[str](), None
    while page := instance.get_run_ids(old, limit=_PAGE, cursor=cursor):
        ids += page
        cursor = page[-1]
    for run_id in reversed(ids):
        run = instance.get_run_by_id(run_id)
        if run is not None:
            yield run


def _is_open(instance: dg.DagsterInstance, backfill: str | None) -> bool:
    found = instance.get_backfill(backfill) if backfill else None
    return found is not None and found.status.value in UNDER_WAY


def _is_needed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    kinds = {
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    }
    shown = {
        (event.asset_key, event.partition)
        for record in instance.get_records_for_run(run.run_id, of_type=kinds).records
        if (event := record.event_log_entry.dagster_event) and event.asset_key
    }
    return any(_shows(instance, run.run_id, key, partition) for key, partition in shown)


def _shows(
    instance: dg.DagsterInstance, run_id: str, key: dg.AssetKey, partition: str | None
) -> bool:
    """Return whether an asset's partition shows this run's result or failure."""
    planned = instance.event_log_storage.get_latest_planned_materialization_info(key, partition)
    if planned is not None and planned.run_id == run_id:
        return True
    partitions = [partition] if partition else None
    latest = dg.AssetRecordsFilter(asset_key=key, asset_partitions=partitions)
    made = instance.fetch_materializations(latest, limit=1).records
    return bool(made) and made[0].run_id == run_id
