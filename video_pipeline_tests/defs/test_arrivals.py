"""The sensor of arrivals over a real folder and a real catalogue."""

from pathlib import Path

import dagster as dg
import pytest

from video_pipeline.catalog.interface import Catalog
from video_pipeline.defs.arrivals import arrivals
from video_pipeline.defs.partitions import PROJECTS_NAME, VIDEOS_NAME
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.domain.identity import VideoKey
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
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path, catalog: Catalog
) -> None:
    put(tmp_path, "acme/one")
    first = tick(stage, instance, tick(stage, instance).cursor)
    path = tmp_path / "ingest" / VideoKey.parse("acme/one").prefix / "video.mp4"
    path.write_bytes(b"other bytes")
    second = tick(stage, instance, tick(stage, instance, first.cursor).cursor)
    keys = {r.run_key for ticked in (first, second) for r in ticked.run_requests}
    assert len(keys) == 2


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


@pytest.mark.parametrize("key", ["acme/empty"])
def test_what_is_rejected_is_counted_in_the_ticks_message(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path, key: str
) -> None:
    put(tmp_path, key, b"")
    second = tick(stage, instance, tick(stage, instance).cursor)
    assert "1 rejected" in (second.skip_reason.skip_message or "")
