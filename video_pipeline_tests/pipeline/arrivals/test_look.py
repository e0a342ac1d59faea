"""Looks into a real folder, recorded in a real catalogue."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from video_pipeline.domain.errors import IdentityError, SourceError
from video_pipeline.domain.naming.identity import VideoKey, project_id_for, video_id_for
from video_pipeline.domain.source import Due, VideoRecord
from video_pipeline.pipeline.arrivals.look import Looks, register_now
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.pipeline.arrivals.arriving import NOW, Arrivals

INTRO = "projects/acme/videos/intro/a.mp4"
_NEW_LINE = "new\nline \x1b[31m"


@pytest.fixture
def here(tmp_path: Path, services: Services) -> Arrivals:
    return Arrivals(tmp_path / "ingest", services)


def _videos(found: Looks) -> list[str]:
    return [str(key) for key in found.arrived]


def _record(here: Arrivals, found: Looks) -> VideoRecord:
    """Return the record of the one video that arrived."""
    (key,) = found.arrived
    record = here.catalog.project(key.project).videos.get(key.video)
    assert record is not None
    return record


def test_object_unchanged_in_two_looks_is_registered(here: Arrivals) -> None:
    here.put(INTRO)
    first = here.round()
    assert (first.arrived, list(first.pending)) == ([], [INTRO])
    second = here.round()
    record = _record(here, second)
    source = record.source
    assert second.pending == {}
    assert (record.arrived_at, record.due) == (here.now, Due.RUN)
    assert (source.key, source.object_key) == (VideoKey(project="acme", video="intro"), INTRO)
    assert (source.name, source.size, source.version) == ("intro", 5, first.pending[INTRO])


def test_recorded_version_does_not_arrive_again(here: Arrivals) -> None:
    here.put(INTRO)
    here.settle()
    assert [_videos(here.round()) for _ in range(3)] == [[], [], []]


def test_growing_object_waits(here: Arrivals) -> None:
    for size in (1, 2, 3):
        here.put(INTRO, b"m" * size)
        assert _videos(here.round()) == []
    assert _videos(here.round()) == ["acme/intro"]


def test_new_version_arrives_again(here: Arrivals) -> None:
    here.put(INTRO)
    here.settle()
    here.put(INTRO, b"another cut")
    assert _videos(here.settle()) == ["acme/intro"]


def _change(file: Path, act: Callable[[], object]) -> None:
    """Act until the time of change differs; size and modification time stay. Clocks are coarse."""
    before = file.stat()
    while file.stat().st_ctime_ns == before.st_ctime_ns:
        act()
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_bytes_written_in_place_arrive_again(here: Arrivals) -> None:
    here.put(INTRO, b"one")
    here.settle()
    _change(here.root / INTRO, lambda: here.put(INTRO, b"two"))
    assert _videos(here.settle()) == ["acme/intro"]


def test_version_of_an_earlier_release_does_not_arrive_again(here: Arrivals) -> None:
    here.put(INTRO)
    source = _record(here, here.settle()).source
    earlier = source.model_copy(update={"version": source.version.rpartition("-")[0]})
    here.catalog.project("acme").videos.register(earlier, here.now)
    assert _videos(here.settle()) == []
    here.put(INTRO, b"another cut")
    assert _videos(here.settle()) == ["acme/intro"]


def test_renamed_file_arrives_again(here: Arrivals) -> None:
    here.put(INTRO)
    here.settle()
    (here.root / INTRO).rename(here.root / INTRO.replace("a.mp4", "b.mp4"))
    source = _record(here, here.settle()).source
    assert source.object_key.endswith("b.mp4")
    assert here.reasons() == {}


def test_projects_with_similar_names_are_separate(here: Arrivals) -> None:
    here.put(INTRO)
    here.put("projects/acme2/videos/intro/a.mp4")
    here.put("projects/acme2/a.mp4")
    assert _videos(here.settle()) == ["acme/intro", "acme2/intro"]
    assert here.reasons("acme") == {}
    assert list(here.reasons("acme2")) == ["a.mp4"]


def test_invalid_name_gets_an_id_and_is_kept(here: Arrivals) -> None:
    project, video = "Große Projekte", "Über uns: 50% + 映像"
    here.put(f"projects/{project}/videos/{video}/der Film.mp4")
    source = _record(here, here.settle()).source
    assert source.key.project == project_id_for(project)
    assert source.key.video == video_id_for(video)
    assert (source.name, source.object_key.split("/")[1]) == (video, project)
    store = here.ingest.project(source.key.project)
    with store.open(source.object_key, source.version) as reader:
        assert reader.read() == b"media"


def test_files_beside_a_video_are_ignored(here: Arrivals) -> None:
    for name in ("a.mp4", "a.srt", "poster.jpg", ".hidden.mp4", "b.mp4.part", "meta.json"):
        here.put(f"projects/acme/videos/intro/{name}")
    here.put("projects/acme/readme.txt")
    assert _videos(here.settle()) == ["acme/intro"]
    assert here.reasons() == {}


def test_two_media_objects_are_ambiguous_until_one_is_left(here: Arrivals) -> None:
    here.put(INTRO)
    here.put("projects/acme/videos/intro/b.mov")
    assert here.settle().arrived == []
    reasons = here.reasons()
    assert list(reasons) == ["videos/intro/a.mp4", "videos/intro/b.mov"]
    assert all("'a.mp4'" in reason and "'b.mov'" in reason for reason in reasons.values())
    (here.root / INTRO).unlink()
    assert _videos(here.settle()) == ["acme/intro"]
    assert here.reasons() == {}


@pytest.mark.parametrize(
    "place", ["a.mp4", "videos/a.mp4", "films/v/a.mp4", "videos/v/below/a.mp4"]
)
def test_object_outside_video_folder_is_rejected_until_moved(here: Arrivals, place: str) -> None:
    here.put(f"projects/acme/{place}")
    ((object_key, reason),) = here.settle().rejected.items()
    assert object_key == f"projects/acme/{place}"
    assert "projects/{project}/videos/{video}/{file}" in reason
    (here.root / INTRO).parent.mkdir(parents=True)
    (here.root / object_key).rename(here.root / INTRO)
    assert _videos(here.settle()) == ["acme/intro"]
    assert here.reasons() == {}


def test_links_and_pipes_are_rejected(here: Arrivals, tmp_path: Path) -> None:
    here.put("projects/acme2/videos/secret/a.mp4")
    (here.root / INTRO).parent.mkdir(parents=True)
    (here.root / INTRO).symlink_to(here.root / "projects/acme2/videos/secret/a.mp4")
    (here.root / "projects/acme/videos/stolen").symlink_to(here.root / "projects/acme2/videos")
    (here.root / "projects/acme/videos/pipe").mkdir()
    os.mkfifo(here.root / "projects/acme/videos/pipe/a.mp4")
    assert _videos(here.settle()) == ["acme2/secret"]
    reasons = here.reasons()
    assert list(reasons) == ["videos/intro/a.mp4", "videos/pipe/a.mp4", "videos/stolen"]
    assert "symbolic link" in reasons["videos/intro/a.mp4"]
    assert "symbolic link" in reasons["videos/stolen"]
    assert "no plain file" in reasons["videos/pipe/a.mp4"]


def test_name_that_is_not_utf8_is_rejected_alone(here: Arrivals) -> None:
    for key in (
        b"projects/acme/videos/v\xff/a.mp4",
        b"projects/acme/videos/w/b\xe9.mp4",
        b"projects/ac\xe9me/videos/v/a.mp4",
    ):
        here.put(os.fsdecode(key))
    here.put(f"projects/acme/videos/{_NEW_LINE}/a.mp4")
    found = here.settle()
    assert _videos(found) == [f"acme/{video_id_for(_NEW_LINE)}"]
    reasons = here.reasons()
    assert list(reasons) == ["videos/v\\xff/", "videos/w/b\\xe9.mp4"]
    assert all("not UTF-8" in reason for reason in reasons.values())
    (stray,) = found.strays
    assert stray.startswith("projects/ac\\xe9me/ (its name is not UTF-8")


def test_folder_that_may_not_be_entered_is_rejected(here: Arrivals) -> None:
    deep = "/".join("d" * 40)
    here.put(f"projects/acme/videos/{deep}/a.mp4")
    here.settle()
    ((_, reason),) = here.reasons().items()
    assert "too deep" in reason


def test_empty_object_is_rejected_until_filled(here: Arrivals) -> None:
    here.put(INTRO, b"")
    assert here.round().rejected == {}
    for _ in range(3):
        found = here.round()
        assert (found.arrived, len(found.rejected)) == ([], 1)
    assert "empty" in here.reasons()["videos/intro/a.mp4"]
    here.put(INTRO)
    assert _videos(here.settle()) == ["acme/intro"]
    assert here.reasons() == {}


def test_rejection_keeps_its_first_time(here: Arrivals) -> None:
    here.put("projects/acme/a.mp4")
    here.round()
    (first,) = here.catalog.project("acme").videos.rejections()
    here.round()
    assert here.catalog.project("acme").videos.rejections() == [first]
    assert first.at == NOW + timedelta(seconds=30)


def test_deleted_folder_clears_rejections(here: Arrivals) -> None:
    here.put("projects/acme/a.mp4")
    here.round()
    (here.root / "projects/acme/a.mp4").unlink()
    here.put("projects/globex/videos/other/a.mp4")
    here.round()
    assert here.reasons() == {}


def test_colliding_video_names_are_rejected(here: Arrivals) -> None:
    exact = "Über uns"
    taken = video_id_for(exact)
    here.put(f"projects/acme/videos/{exact}/a.mp4")
    here.put(f"projects/acme/videos/{taken}/a.mp4")
    assert len(here.settle().arrived) == 1
    for _ in range(2):
        (reason,) = here.reasons().values()
        assert repr(exact) in reason and repr(taken) in reason
        here.round()


@pytest.mark.parametrize("registered_first", [False, True])
def test_colliding_project_names_are_rejected(here: Arrivals, registered_first: bool) -> None:
    exact = "über alles"
    taken = project_id_for(exact)
    here.put(f"projects/{exact}/videos/theirs/a.mp4")
    if registered_first:
        here.settle()
    here.put(f"projects/{taken}/videos/mine/a.mp4")
    here.settle()
    videos = here.catalog.project(taken).videos.listing()
    owners = {record.source.object_key.split("/")[1] for record in videos}
    ((object_key, reason),) = here.round().rejected.items()
    assert owners == ({exact} if registered_first else {taken})
    assert object_key.split("/")[1] not in owners
    assert "rename" in reason


def test_object_outside_projects_is_a_stray(here: Arrivals) -> None:
    here.put("projects/a.mp4")
    (here.root / "projects/acme").symlink_to(here.root)
    here.put("projects/acme2/videos/v/a.mp4")
    found = here.settle()
    assert [stray.partition(" (")[0] for stray in found.strays] == [
        "projects/a.mp4",
        "projects/acme",
    ]
    assert _videos(found) == ["acme2/v"]
    assert here.catalog.projects() == ["acme2"]


def test_name_not_in_utf_8_is_rejected(here: Arrivals) -> None:
    here.put(INTRO)
    with open(os.fsencode(here.root) + b"/projects/acme/videos/intro/b\xff.mp4", "wb"):
        pass
    assert _videos(here.settle()) == ["acme/intro"]
    assert "UTF-8" in here.reasons()["videos/intro/b\\xff.mp4"]


def test_register_now_registers_without_second_look(here: Arrivals) -> None:
    here.put(INTRO)
    source = register_now(here.ingest, here.catalog, INTRO, NOW)
    record = here.catalog.project("acme").videos.get("intro")
    assert record and record.source == source and record.due is None
    assert _videos(here.settle()) == []


@pytest.mark.parametrize(
    ("key", "error", "why"),
    [
        ("projects/acme/videos/intro/missing.mp4", SourceError, "not there"),
        ("projects/acme/videos/intro/empty.mp4", SourceError, "is empty"),
        ("projects/acme/videos/intro/link.mp4", SourceError, "no plain file"),
        ("projects/acme/videos/intro/below/a.mp4", SourceError, "no video's folder"),
        ("projects/a.mp4", SourceError, "no video's folder"),
        (f"projects/acme/videos/{video_id_for('Über')}/a.mp4", IdentityError, "id of 'Über'"),
    ],
)
def test_register_now_rejects_with_reason(
    here: Arrivals, key: str, error: type[Exception], why: str
) -> None:
    here.put("projects/acme/videos/intro/empty.mp4", b"")
    (here.root / "projects/acme/videos/intro/link.mp4").symlink_to("empty.mp4")
    here.put("projects/acme/videos/Über/a.mp4")
    register_now(here.ingest, here.catalog, "projects/acme/videos/Über/a.mp4", NOW)
    here.put(f"projects/acme/videos/{video_id_for('Über')}/a.mp4")
    with pytest.raises(error, match=why):
        register_now(here.ingest, here.catalog, key, NOW)
