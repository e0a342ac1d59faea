"""The sensor of arrivals over a real folder and a real catalogue."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from video_pipeline.catalog.interface import Catalog
from video_pipeline.defs.arrivals import arrivals
from video_pipeline.defs.partitions import PROJECTS_NAME, VIDEOS_NAME
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.source import Source
from video_pipeline_tests.stage.opened import Opened


def tick(stage: object, instance: dg.DagsterInstance, cursor: str | None = None):
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, resources={"pipeline": stage}
    )
    return arrivals(context)


def put(tmp_path: Path, key: str, content: bytes = b"bytes") -> None:
    project, video = key.split("/")
    folder = tmp_path / "ingest" / "projects" / project / "videos" / video
    folder.mkdir(parents=True)
    (folder / "video.mp4").write_bytes(content)


def delivered(tmp_path: Path) -> Path:
    return tmp_path / "ingest" / VideoKey.parse("acme/one").prefix / "video.mp4"


def run_keys(*ticks: dg.SensorResult) -> set[str | None]:
    found = [request.run_key for ticked in ticks for request in ticked.run_requests or ()]
    assert len(found) == len(ticks)
    return set(found)


def test_what_looks_the_same_twice_gets_its_partitions_and_one_run(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    put(tmp_path, "acme/one")
    put(tmp_path, "globex/two")
    first = tick(stage, instance)
    assert not first.run_requests
    assert "0 arrived; 2 wait" in (first.skip_reason.skip_message or "")
    second = tick(stage, instance, first.cursor)
    assert [r.partition_key for r in second.run_requests] == ["acme/one", "globex/two"]
    assert second.run_requests[0].tags == {
        "video_pipeline/project": "acme",
        "video_pipeline/video": "acme/one",
    }
    assert {"acme/one", "globex/two"} <= set(instance.get_dynamic_partitions(VIDEOS_NAME))
    assert set(instance.get_dynamic_partitions(PROJECTS_NAME)) == {"acme", "globex"}
    third = tick(stage, instance, second.cursor)
    assert not third.run_requests


def test_a_tick_that_was_lost_is_repeated_with_the_same_run_key(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    put(tmp_path, "acme/one")
    cursor = tick(stage, instance).cursor
    lost, again = tick(stage, instance, cursor), tick(stage, instance, cursor)
    assert [r.run_key for r in lost.run_requests] == [r.run_key for r in again.run_requests]
    assert len(again.run_requests) == 1


def test_a_new_version_is_a_new_run(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    put(tmp_path, "acme/one")
    first = tick(stage, instance, tick(stage, instance).cursor)
    delivered(tmp_path).write_bytes(b"other bytes")
    second = tick(stage, instance, tick(stage, instance, first.cursor).cursor)
    assert len(run_keys(first, second)) == 2


def test_a_version_that_is_put_back_is_a_new_run(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    put(tmp_path, "acme/one")
    first = tick(stage, instance, tick(stage, instance).cursor)
    kept = delivered(tmp_path).rename(tmp_path / "kept")
    delivered(tmp_path).write_bytes(b"other bytes")
    second = tick(stage, instance, tick(stage, instance, first.cursor).cursor)
    kept.replace(delivered(tmp_path))
    third = tick(stage, instance, tick(stage, instance, second.cursor).cursor)
    assert len(run_keys(first, second, third)) == 3


def test_a_renamed_object_is_a_new_run(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    put(tmp_path, "acme/one")
    first = tick(stage, instance, tick(stage, instance).cursor)
    delivered(tmp_path).rename(delivered(tmp_path).with_name("renamed.mp4"))
    second = tick(stage, instance, tick(stage, instance, first.cursor).cursor)
    assert len(run_keys(first, second)) == 2, "what was known of it was cleared"


def test_a_new_home_of_dagster_gets_the_partitions_of_what_the_catalogue_knows(
    stage: Opened, instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    for name in ("acme/one", "globex/two", "try/three"):
        key = VideoKey.parse(name)
        source = Source(key=key, object_key=f"{key.prefix}v.mp4", name="v", version="1", size=1)
        catalog.project(key.project).videos.register(source, datetime.now(UTC), due=None)
    first = tick(stage, instance)
    assert not first.run_requests, "what there is to do again, and to pay, a person decides"
    assert "2 known videos are partitions again" in (first.skip_reason.skip_message or "")
    there = set(instance.get_dynamic_partitions(VIDEOS_NAME))
    assert there == {"acme/talk", "acme/one", "globex/two"}
    assert set(instance.get_dynamic_partitions(PROJECTS_NAME)) == {"acme", "globex"}

    instance.delete_dynamic_partition(VIDEOS_NAME, "acme/one")
    tick(stage, instance, first.cursor)
    assert not instance.has_dynamic_partition(VIDEOS_NAME, "acme/one"), "deleted by a person"


def test_no_catalogue_is_a_skipped_tick_that_says_so(instance: dg.DagsterInstance) -> None:
    class Down:
        closed = False

        def renew(self) -> None:
            """Nothing to renew."""

        def close(self) -> None:
            self.closed = True

        @property
        def services(self) -> None:
            raise CatalogUnavailable("no MongoDB answers", remedy="Start it.")

    stage = Down()
    skipped = tick(stage, instance)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "no MongoDB answers. Start it."
    assert stage.closed, "the next tick opens it anew"


def test_what_is_rejected_is_counted_in_the_ticks_message_and_the_first_reasons_are_given(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    for number in range(4):
        put(tmp_path, f"acme/empty-{number}", b"")
    second = tick(stage, instance, tick(stage, instance).cursor)
    told = second.skip_reason.skip_message or ""
    assert "4 rejected; 'projects/acme/videos/empty-0/video.mp4': empty: put it in again" in told
    assert "empty-2" in told and "empty-3" not in told
