"""Old runs are deleted, and those that partitions show are kept."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from video_pipeline.dagster_api.old_runs import delete_old

ROOT = Path(__file__).resolve().parents[2]
VIDEOS = dg.DynamicPartitionsDefinition(name="video_pipeline_videos")
KEYS = ("acme/one", "globex/one")
LATER = datetime.now(UTC) + timedelta(days=1)


@dg.asset(partitions_def=VIDEOS)
def shots(context: dg.AssetExecutionContext) -> None:
    if context.run.tags.get("fail"):
        raise ValueError("refused")


@dg.asset(partitions_def=VIDEOS, deps=[shots])
def timeline() -> None:
    pass


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        instance.add_dynamic_partitions("video_pipeline_videos", list(KEYS))
        yield instance


def make(instance: dg.DagsterInstance, key: str, *assets: str, **tags: str) -> str:
    ended = dg.materialize(
        [shots, timeline],
        selection=list(assets) or None,
        partition_key=key,
        instance=instance,
        tags=tags,
        raise_on_error=False,
    )
    return ended.run_id


def runs(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.get_run_ids())


def shown(instance: dg.DagsterInstance) -> dict[tuple[str, str], str]:
    """Return the run of each partition's latest materialization."""
    found = {}
    for asset in ("shots", "timeline"):
        for key in KEYS:
            wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[key])
            for record in instance.fetch_materializations(wanted, limit=1).records:
                found[asset, key] = record.run_id
    return found


def test_delete_old_deletes_only_replaced_runs(instance: dg.DagsterInstance) -> None:
    replaced, partly = make(instance, KEYS[0]), make(instance, KEYS[0])
    shots_again, other = make(instance, KEYS[0], "shots"), make(instance, KEYS[1])
    before = shown(instance)
    assert delete_old(instance, LATER, 100, dry_run=True) == (1, 3)
    assert replaced in runs(instance)
    assert delete_old(instance, LATER, 100) == (1, 3)
    assert runs(instance) == {partly, shots_again, other}
    assert shown(instance) == before
    assert instance.get_materialized_partitions(dg.AssetKey("shots")) == set(KEYS)
    assert delete_old(instance, LATER, 100) == (0, 3)


def test_delete_old_keeps_the_failure_that_a_partition_shows(instance: dg.DagsterInstance) -> None:
    made = make(instance, KEYS[0])
    replaced = make(instance, KEYS[0], fail="yes")
    failed = make(instance, KEYS[0], fail="yes")
    delete_old(instance, LATER, 100)
    assert runs(instance) == {made, failed}
    assert replaced not in runs(instance)
    attempts = instance.event_log_storage
    latest = attempts.get_latest_asset_partition_materialization_attempts_without_materializations
    assert latest(dg.AssetKey("shots"))[KEYS[0]][0] == failed


def test_delete_old_keeps_young_runs_and_obeys_the_limit(instance: dg.DagsterInstance) -> None:
    made = [make(instance, KEYS[0]) for _ in range(4)]
    assert delete_old(instance, datetime.now(UTC) - timedelta(days=1), 100) == (0, 0)
    assert delete_old(instance, LATER, 2)[0] == 2
    assert runs(instance) == set(made[2:]), "the oldest go first"


def test_delete_old_keeps_runs_of_an_open_backfill(instance: dg.DagsterInstance) -> None:
    instance.add_backfill(
        PartitionBackfill(
            backfill_id="b1",
            status=BulkActionStatus.REQUESTED,
            from_failure=False,
            tags={},
            backfill_timestamp=0.0,
        )
    )
    kept = make(instance, KEYS[0], **{"dagster/backfill": "b1"})
    make(instance, KEYS[0])
    assert delete_old(instance, LATER, 100) == (0, 2)
    assert kept in runs(instance)
