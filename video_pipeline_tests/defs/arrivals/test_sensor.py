"""The sensor of arrivals over a real folder and a real catalogue."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.defs.arrivals.sensor import arrivals
from video_pipeline.defs.partitions import PROJECTS_NAME, VIDEOS_NAME
from video_pipeline.domain.errors import StorageUnavailable
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import Due, Removal, Source, VideoRecord
from video_pipeline.pipeline.arrivals.archive import archive, restore
from video_pipeline.pipeline.arrivals.removal import Allowance
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.probe import source_video
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline_tests.defs.opened import LAUNCHED_FROM, Opened


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


def test_object_seen_twice_gets_partitions_and_a_run(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    put(tmp_path, "acme/one")
    put(tmp_path, "globex/two")
    first = tick(stage, instance)
    assert not first.run_requests
    assert "0 arrived; 2 wait" in (first.skip_reason.skip_message or "")
    second = tick(stage, instance, first.cursor)
    assert [r.partition_key for r in second.run_requests] == ["acme/one", "globex/two"]
    assert second.run_requests[0].tags == {"video_pipeline/project": "acme"}
    assert {"acme/one", "globex/two"} <= set(instance.get_dynamic_partitions(VIDEOS_NAME))
    assert set(instance.get_dynamic_partitions(PROJECTS_NAME)) == {"acme", "globex"}
    third = tick(stage, instance, second.cursor)
    assert not third.run_requests


def test_lost_tick_repeats_its_run_keys(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    put(tmp_path, "acme/one")
    cursor = tick(stage, instance).cursor
    lost, again = tick(stage, instance, cursor), tick(stage, instance, cursor)
    assert [r.run_key for r in lost.run_requests] == [r.run_key for r in again.run_requests]
    assert len(again.run_requests) == 1


def test_due_runs_do_not_wait_for_a_slow_store(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CutOff(BaseException):
        """As Dagster ends a tick that takes too long."""

    def slow(*_: object) -> None:
        raise CutOff

    put(tmp_path, "acme/one")
    put(tmp_path, "globex/one")
    cursor = tick(stage, instance).cursor
    with monkeypatch.context() as patched:
        patched.setattr("video_pipeline.defs.arrivals.sensor.update_partitions", slow)
        with pytest.raises(CutOff):
            tick(stage, instance, cursor)
    monkeypatch.setattr("video_pipeline.defs.arrivals.sensor.receive", slow)
    requested = tick(stage, instance, cursor)
    assert [r.partition_key for r in requested.run_requests] == ["acme/one", "globex/one"]
    with pytest.raises(CutOff):
        tick(stage, instance, requested.cursor)
    monkeypatch.undo()
    assert not tick(stage, instance, requested.cursor).run_requests


def test_new_version_is_a_new_run(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    put(tmp_path, "acme/one")
    first = tick(stage, instance, tick(stage, instance).cursor)
    delivered(tmp_path).write_bytes(b"other bytes")
    second = tick(stage, instance, tick(stage, instance, first.cursor).cursor)
    assert len(run_keys(first, second)) == 2


def test_version_put_back_is_a_new_run(
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


def test_renamed_object_is_a_new_run(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    put(tmp_path, "acme/one")
    first = tick(stage, instance, tick(stage, instance).cursor)
    delivered(tmp_path).rename(delivered(tmp_path).with_name("renamed.mp4"))
    second = tick(stage, instance, tick(stage, instance, first.cursor).cursor)
    assert len(run_keys(first, second)) == 2, "what was known of it was cleared"


def test_run_that_found_no_object_is_requested_again(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    put(tmp_path, "acme/one")
    put(tmp_path, "globex/two")  # an empty folder would count as not mounted
    first = tick(stage, instance, tick(stage, instance).cursor)
    away = delivered(tmp_path).parent.rename(tmp_path / "away")
    run = VideoRun.of(stage.services, VideoKey.parse("acme/one"))
    assert source_video(run, stage.services.ingest).state is PhaseState.CANCELLED
    second = tick(stage, instance, first.cursor)
    assert not second.run_requests, "it is missing"
    away.rename(delivered(tmp_path).parent)
    third = tick(stage, instance, second.cursor)
    before, again = (
        [one.run_key for one in ticked.run_requests or () if one.partition_key == "acme/one"]
        for ticked in (first, third)
    )
    assert len(before) == len(again) == 1 and before != again


def test_new_home_gets_the_partitions_of_the_catalogue(
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


@pytest.mark.usefixtures("only_bounded_queries")
def test_new_home_does_not_read_all_keys(
    stage: Opened, instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    keys = [VideoKey.parse(name) for name in ("acme/talk", "acme/one")]
    for key in keys:
        source = Source(key=key, object_key=f"{key.prefix}v.mp4", name="v", version="1", size=1)
        catalog.project(key.project).videos.register(source, datetime.now(UTC), due=None)
    message = tick(stage, instance).skip_reason.skip_message or ""
    assert "1 known videos are partitions again" in message, "acme/talk is one already"


def test_message_counts_rejections_with_some_reasons(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    for number in range(4):
        put(tmp_path, f"acme/empty-{number}", b"")
    second = tick(stage, instance, tick(stage, instance).cursor)
    told = second.skip_reason.skip_message or ""
    assert "4 rejected; 'projects/acme/videos/empty-0/video.mp4': empty: put it in again" in told
    assert "empty-2" in told and "empty-3" not in told


def test_backlog_drains_in_turn_of_projects(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    for number in range(40):
        put(tmp_path, f"acme/v{number:03}")
    for number in range(3):
        put(tmp_path, f"globex/v{number}")
    cursor, asked = None, []
    while True:
        ticked = tick(stage, instance, cursor)
        cursor = ticked.cursor
        asked.append([r.run_key for r in ticked.run_requests or ()])
        if len(asked) > 2 and not asked[-1]:
            break
    requested = [some for some in asked if some]
    assert [len(some) for some in requested] == [5, 10, 20, 8], "here a submission costs nothing"
    flat = [key for some in requested for key in some]
    assert len(flat) == len(set(flat)) == 43
    assert [sum(key.startswith("globex/") for key in some) for some in requested] == [2, 1, 0, 0]


def test_first_tick_serves_every_project(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    projects = [f"project-{number}" for number in range(7)]
    for project in projects:
        for number in range(2):
            put(tmp_path, f"{project}/v{number}")
    seen = tick(stage, instance, tick(stage, instance).cursor)
    served = [str(one.partition_key).partition("/")[0] for one in seen.run_requests or ()]
    assert sorted(served) == projects


def gone(stage: Opened, key: str) -> None:
    """Mark a video as removed, as a look does."""
    parsed = VideoKey.parse(key)
    arrivals = stage.services.of(parsed.project).arrivals
    (known,) = arrivals.known(parsed.prefix, f"{parsed.prefix}z")
    arrivals.remove(known, datetime.now(UTC))
    folder = delivered_folder(stage, parsed)
    for file in folder.iterdir():
        file.unlink()


def delivered_folder(stage: Opened, key: VideoKey) -> Path:
    half = stage.services.ingest.project(key.project)
    return Path(half.uri(f"{key.prefix}video.mp4").removeprefix("file://")).parent


@pytest.fixture
def two_arrived(stage: Opened, instance: dg.DagsterInstance, tmp_path: Path) -> str:
    """The same video in two projects, their runs requested; the cursor."""
    put(tmp_path, "acme/one")
    put(tmp_path, "globex/one")
    second = tick(stage, instance, tick(stage, instance).cursor)
    cursor = tick(stage, instance, second.cursor).cursor
    assert cursor
    return cursor


@pytest.mark.parametrize(
    ("policy", "has_key", "is_known"),
    [
        (Removal.KEEP, True, True),
        (Removal.ARCHIVE, False, True),
        (Removal.DELETE, False, False),
    ],
)
def test_key_of_a_removed_video_follows_the_policy(
    stage: Opened,
    instance: dg.DagsterInstance,
    two_arrived: str,
    policy: Removal,
    has_key: bool,
    is_known: bool,
) -> None:
    stage.services = replace(stage.services, removals={"acme": policy})
    gone(stage, "acme/one")
    cursor = tick(stage, instance, two_arrived).cursor
    tick(stage, instance, cursor)
    assert instance.has_dynamic_partition(VIDEOS_NAME, "acme/one") is has_key
    assert (stage.services.of("acme").videos.get("one") is not None) is is_known
    assert instance.has_dynamic_partition(VIDEOS_NAME, "globex/one")
    assert stage.services.of("acme").arrivals.due(Due.REMOVAL, 9) == []


def test_removed_video_that_arrives_again_runs_again(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path, two_arrived: str
) -> None:
    stage.services = replace(stage.services, removals={"acme": Removal.DELETE})
    gone(stage, "acme/one")
    cursor = tick(stage, instance, two_arrived).cursor
    put_again = delivered_folder(stage, VideoKey.parse("acme/one")) / "video.mp4"
    put_again.write_bytes(b"bytes")
    first = tick(stage, instance, cursor)
    second = tick(stage, instance, first.cursor)
    assert [r.partition_key for r in second.run_requests] == ["acme/one"]
    assert instance.has_dynamic_partition(VIDEOS_NAME, "acme/one")


def run_of(instance: dg.DagsterInstance, key: str, status: dg.DagsterRunStatus) -> str:
    """A run of a video that waits or is at work."""
    made = instance.create_run_for_job(
        road_job(),
        tags={"dagster/partition": key},
        status=status,
        remote_job_origin=LAUNCHED_FROM,
    )
    return made.run_id


def road_job() -> dg.JobDefinition:
    @dg.job
    def road() -> None:
        """Nothing is to be done in it."""

    return road


def test_removal_waits_for_an_active_run(
    stage: Opened, instance: dg.DagsterInstance, two_arrived: str
) -> None:
    stage.services = replace(stage.services, removals={"acme": Removal.DELETE})
    run_id = run_of(instance, "acme/one", dg.DagsterRunStatus.STARTED)
    gone(stage, "acme/one")
    first = tick(stage, instance, two_arrived)
    assert "wait for a run to end" in (first.skip_reason.skip_message or "")
    assert stage.services.of("acme").videos.get("one") is not None
    run = instance.get_run_by_id(run_id)
    assert run is not None
    instance.report_run_canceled(run)
    tick(stage, instance, first.cursor)
    assert stage.services.of("acme").videos.get("one") is None


def test_unreachable_output_store_is_tried_once_a_tick(
    stage: Opened, instance: dg.DagsterInstance, two_arrived: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def silent(services: Services, record: VideoRecord, allowance: Allowance) -> bool:
        asked.append(str(record.key))
        raise StorageUnavailable("does not answer", remedy="Wait.")

    monkeypatch.setattr("video_pipeline.defs.arrivals.partition_upkeep.carry_out", silent)
    for key in ("acme/one", "globex/one"):
        gone(stage, key)
    told = tick(stage, instance, two_arrived).skip_reason.skip_message or ""
    assert asked == ["acme/one"] and "does not answer" in told


def test_queued_runs_of_a_removed_video_are_cancelled(
    stage: Opened, instance: dg.DagsterInstance, two_arrived: str
) -> None:
    mine, theirs = (
        run_of(instance, key, dg.DagsterRunStatus.QUEUED) for key in ("acme/one", "globex/one")
    )
    gone(stage, "acme/one")
    tick(stage, instance, two_arrived)
    statuses = {run_id: instance.get_run_by_id(run_id).status for run_id in (mine, theirs)}
    assert statuses[mine] is dg.DagsterRunStatus.CANCELED
    assert statuses[theirs] is dg.DagsterRunStatus.QUEUED


def test_archived_key_is_deleted_and_restored_key_added(
    stage: Opened, instance: dg.DagsterInstance, two_arrived: str
) -> None:
    record = stage.services.of("acme").videos.get("one")
    assert record and archive(stage.services.of("acme"), record, stage.services.clock(), force=True)
    cursor = tick(stage, instance, two_arrived).cursor
    assert not instance.has_dynamic_partition(VIDEOS_NAME, "acme/one")
    tick(stage, instance)
    assert not instance.has_dynamic_partition(VIDEOS_NAME, "acme/one"), "nor in a new home"
    archived = stage.services.of("acme").videos.get("one")
    assert archived and restore(stage.services.of("acme"), archived)
    tick(stage, instance, cursor)
    assert instance.has_dynamic_partition(VIDEOS_NAME, "acme/one")
    assert instance.has_dynamic_partition(VIDEOS_NAME, "globex/one")


def test_archived_and_removed_video_has_no_key(
    stage: Opened, instance: dg.DagsterInstance, two_arrived: str
) -> None:
    record = stage.services.of("acme").videos.get("one")
    assert record and archive(stage.services.of("acme"), record, stage.services.clock(), force=True)
    gone(stage, "acme/one")
    cursor = tick(stage, instance, two_arrived).cursor
    tick(stage, instance, cursor)
    kept = stage.services.of("acme").videos.get("one")
    assert kept and kept.removed_at and kept.archived_at and kept.due is None
    assert not instance.has_dynamic_partition(VIDEOS_NAME, "acme/one")
    assert instance.has_dynamic_partition(VIDEOS_NAME, "globex/one")


def test_cursor_of_an_older_version_begins_a_new_sweep(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    put(tmp_path, "acme/one")
    first = tick(stage, instance, '{"projects/acme/videos/one/video.mp4": "5-1-1"}')
    second = tick(stage, instance, first.cursor)
    assert [r.partition_key for r in second.run_requests] == ["acme/one"]


def test_message_begins_with_errors(
    stage: Opened, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    (tmp_path / "ingest").rename(tmp_path / "elsewhere")
    told = tick(stage, instance).skip_reason.skip_message or ""
    assert "there is no such folder. Create it, or name another" in told
