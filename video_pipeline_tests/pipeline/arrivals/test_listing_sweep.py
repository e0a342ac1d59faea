"""The listing sweep: bounded slices, resumption, and caution with missing objects."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import chain, repeat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.source import Due, Removal
from video_pipeline.pipeline.arrivals.listing_sweep import Position, sweep_on
from video_pipeline.pipeline.arrivals.look import Looks, register_now
from video_pipeline.pipeline.arrivals.round import ROUND_SECONDS, Memory, receive
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.local.folder import FolderIngest, FolderProjectIngest
from video_pipeline.storage.store import StoredObject
from video_pipeline_tests.pipeline.arrivals.arriving import Arrivals, WholeFolder


class Refused(WholeFolder):
    """An ingest store in which acme's folder may not be read."""

    def project(self, project: str) -> FolderProjectIngest:
        if project == "acme":
            raise StorageError("may not be read", where="projects/acme", remedy="Allow it.")
        return super().project(project)


@pytest.fixture
def here(tmp_path: Path, services: Services) -> Arrivals:
    """A folder whose files appear whole, so that one look registers them."""
    root = tmp_path / "ingest"
    return Arrivals(root, replace(services, ingest=WholeFolder(root)))


def key_of(project: str, video: str, file: str = "a.mp4") -> str:
    return f"projects/{project}/videos/{video}/{file}"


def test_whole_object_is_registered_at_first_look(here: Arrivals) -> None:
    here.put(key_of("acme", "one"))
    found = here.round()
    assert ([str(key) for key in found.arrived], found.pending) == (["acme/one"], {})


def test_slice_ends_at_end_of_folder(here: Arrivals) -> None:
    for number in range(5):
        here.put(key_of("acme", f"v{number}"))
        here.put(key_of("acme", f"v{number}", "b.mp4"))
    here.put(key_of("globex", "last"))
    here.with_policy(keys_a_tick=3)
    seen = [len(here.round().rejected) for _ in range(3)]
    assert seen == [4, 4, 2], "both files of a folder are always in one slice"
    assert here.memory.position.began is None, "the sweep is complete"
    assert here.record("globex/last") is not None


def test_slice_is_bounded_in_time_and_resumed(here: Arrivals) -> None:
    for number in range(4):
        here.put(key_of("acme", f"v{number}"))
    looks, readings = Looks(here.services, here.now), iter([False] * 4 + [True] * 9)
    position = sweep_on(looks, Position(), 99, lambda: next(readings), {})
    assert [str(key) for key in looks.arrived] == ["acme/v0", "acme/v1"]
    assert position.keys == 2, "the compared keys, not all listed ones"
    here.memory = Memory(position=position)
    assert [str(key) for key in here.round().arrived] == ["acme/v2", "acme/v3"]


def test_sweep_advances_when_listing_uses_all_time(here: Arrivals) -> None:
    for number in range(4):
        here.put(key_of("acme", f"v{number}"))
        here.put(key_of("acme", f"v{number}", "b.srt"))
    looks, position = Looks(here.services, here.now), Position()
    for number in range(4):
        position = sweep_on(looks, position, 99, lambda: True, {})
        assert str(looks.arrived[-1]) == f"acme/v{number}"
    assert len(looks.arrived) == 4 and position.ended == here.now
    here.remove(key_of("acme", "v0"))
    for _ in range(9):
        here.now += timedelta(seconds=30)
        looks = Looks(here.services, here.now)
        position = sweep_on(looks, position, 99, lambda: True, {})
        if looks.removed:
            break
    assert [str(key) for key in looks.removed] == ["acme/v0"]


def few_wait(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Let so many objects wait for a second look."""
    for module in ("look", "listing_sweep"):
        monkeypatch.setattr(f"video_pipeline.pipeline.arrivals.{module}.MOST_PENDING", most)
    monkeypatch.setattr("video_pipeline.pipeline.arrivals.listing_sweep._MOST_NEW", 2)


def test_many_new_files_are_registered_in_portions(
    here: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_wait(monkeypatch, 2)
    here.services = replace(here.services, ingest=FolderIngest(here.root))
    for number in range(5):
        here.put(key_of("acme", f"v{number}"))
    rounds = [len(here.round().arrived) for _ in range(4)]
    assert rounds == [0, 2, 2, 1]


def test_second_looks_are_in_turn_of_projects(here: Arrivals) -> None:
    here.services = replace(here.services, ingest=FolderIngest(here.root))
    for project in ("acme", "globex"):
        for number in range(3):
            here.put(key_of(project, f"v{number}"))
    assert here.round().arrived == []
    seen = map(str, here.round().arrived)
    assert [key.split("/")[0] for key in seen] == ["acme", "globex"] * 3


def test_growing_files_do_not_block_the_sweep(
    here: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_wait(monkeypatch, 5)
    here.services = replace(here.services, ingest=FolderIngest(here.root))
    here.put(key_of("globex", "ready"))
    arrived: list[str] = []
    for size in range(1, 8):
        for number in range(4):
            here.put(key_of("acme", f"growing-{number}"), b"m" * size)
        arrived += map(str, here.round().arrived)
    assert arrived == ["globex/ready"]


def test_crowded_folder_is_rejected_and_skipped(
    here: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("look", "listing_sweep"):
        monkeypatch.setattr(f"video_pipeline.pipeline.arrivals.{module}.MOST_IN_A_FOLDER", 5)
    for number in range(9):
        here.put(key_of("acme", "crowd", f"{number}.mp4"))
    here.put(key_of("acme", "other"))
    first = here.round()
    assert list(here.reasons()) == ["videos/crowd/0.mp4"] and first.arrived == []
    assert [str(key) for key in here.round().arrived] == ["acme/other"]


def test_missing_video_is_removed_after_second_full_sweep(here: Arrivals) -> None:
    for project in ("acme", "globex"):
        here.put(key_of(project, "one"))
        here.put(key_of(project, "two"))
    here.round()
    here.remove(key_of("acme", "one"))
    assert here.round().removed == []
    assert [str(key) for key in here.round().removed] == ["acme/one"]
    record = here.record("acme/one")
    assert record and (record.removed_at, record.due) == (here.now, Due.REMOVAL)
    for other in ("acme/two", "globex/one", "globex/two"):
        kept = here.record(other)
        assert kept and kept.removed_at is None
    assert here.round().removed == []


def test_missing_video_is_kept_until_missing_seconds(here: Arrivals) -> None:
    here.with_policy(missing_seconds=100)
    for project in ("acme", "globex"):
        here.put(key_of(project, "one"))
    here.round()
    here.remove(key_of("acme", "one"))
    removed = [list(map(str, here.round().removed)) for _ in range(5)]
    assert removed == [[], [], [], [], ["acme/one"]], "rounds of 30 s"


def test_missing_video_that_is_found_again_is_kept(here: Arrivals) -> None:
    here.put(key_of("acme", "one"))
    here.put(key_of("acme", "two"))
    here.round()
    folder = (here.root / key_of("acme", "one")).parent
    kept = folder.rename(here.root / "kept")
    here.round()
    kept.rename(folder)
    assert here.round().arrived == []
    folder.rename(kept)
    assert here.round().removed == [], "it has been missing for one sweep only"


def test_renamed_folder_is_a_new_video(here: Arrivals) -> None:
    here.put(key_of("acme", "old"))
    here.round()
    (here.root / "projects/acme/videos/old").rename(here.root / "projects/acme/videos/new")
    assert [str(key) for key in here.round().arrived] == ["acme/new"]
    assert [str(key) for key in here.round().removed] == ["acme/old"]


def test_renamed_file_is_a_new_version(here: Arrivals) -> None:
    here.put(key_of("acme", "one"))
    here.round()
    (here.root / key_of("acme", "one")).rename(here.root / key_of("acme", "one", "b.mp4"))
    assert [str(key) for key in here.round().arrived] == ["acme/one"]
    record = here.record("acme/one")
    assert record and record.source.object_key.endswith("b.mp4") and record.removed_at is None


def test_removed_video_that_arrives_again_is_due_for_a_run(here: Arrivals) -> None:
    here.put(key_of("acme", "one"))
    here.put(key_of("acme", "two"))
    here.round()
    kept = (here.root / key_of("acme", "one")).rename(here.root / "kept")
    here.round()
    here.round()
    kept.rename(here.root / key_of("acme", "one"))
    assert [str(key) for key in here.round().arrived] == ["acme/one"]
    record = here.record("acme/one")
    assert record and (record.due, record.removed_at) == (Due.RUN, None)


@pytest.mark.parametrize("left", ["", "projects/.keep", "projects/acme/videos/one/a.srt"])
def test_empty_store_removes_nothing(here: Arrivals, left: str) -> None:
    here.put(key_of("acme", "one"))
    if left:
        here.put(left)
    here.round()
    here.remove(key_of("acme", "one"))
    for _ in range(3):
        found = here.any_round()
        assert "is it the right one?" in found.troubles[""]
    record = here.record("acme/one")
    assert record and record.removed_at is None


def test_removals_at_once_limits_removals(here: Arrivals) -> None:
    for number in range(4):
        here.put(key_of("acme", f"v{number}"))
        here.put(key_of("globex", f"v{number}"))
    here.round()
    here.with_policy(removals_at_once=2, removal=Removal.DELETE)
    for number in range(3):
        here.remove(key_of("acme", f"v{number}"))
    here.remove(key_of("globex", "v0"))
    here.any_round()
    found = here.any_round()
    assert list(found.troubles) == ["acme"]
    assert "removals_at_once" in found.troubles["acme"]
    assert [str(key) for key in found.looks.removed] == ["globex/v0"]
    here.with_policy(removals_at_once=3)
    assert len(here.round().removed) == 3


def test_removals_share_limits_removals(here: Arrivals) -> None:
    for number in range(12):
        here.put(key_of("acme", f"v{number}"))
        here.put(key_of("globex", f"v{number}"))
    here.round()
    for number in range(7):
        here.remove(key_of("acme", f"v{number}"))
    for number in range(6):
        here.remove(key_of("globex", f"v{number}"))
    here.any_round()
    found = here.any_round()
    assert list(found.troubles) == ["acme"]
    assert "more than 50% of the videos of acme" in found.troubles["acme"]
    assert len(found.looks.removed) == 6
    here.with_policy(removals_share=1.0)
    assert len(here.round().removed) == 7


def test_error_in_one_project_does_not_stop_the_others(here: Arrivals) -> None:
    for project in ("acme", "globex"):
        here.put(key_of(project, "one"))
        here.put(key_of(project, "two"))
    here.round()
    here.remove(key_of("acme", "one"))
    here.remove(key_of("globex", "one"))
    here.round()
    here.services = replace(here.services, ingest=Refused(here.root))
    found = here.any_round()
    assert found.troubles == {"acme": "projects/acme: may not be read. Allow it."}
    assert [str(key) for key in found.looks.removed] == ["globex/one"]


def test_missing_store_is_reported_and_position_kept(here: Arrivals) -> None:
    here.put(key_of("acme", "one"))
    here.round()
    before = here.memory.position
    here.root.rename(here.root.with_name("elsewhere"))
    found = here.any_round()
    assert "there is no such folder" in found.troubles[""]
    assert here.memory.position == before
    here.root.with_name("elsewhere").rename(here.root)
    assert here.round().arrived == []


def test_pause_between_sweeps_ends_if_clock_is_set_back(here: Arrivals) -> None:
    here.with_policy(pause_seconds=100)
    here.put(key_of("acme", "one"))
    here.round()
    here.put(key_of("acme", "two"))
    assert here.round().arrived == []
    found = receive(here.services, here.memory, here.now.replace(year=2025))
    assert [str(key) for key in found.looks.arrived] == ["acme/two"]


def test_late_round_leaves_the_sweep_to_the_next(here: Arrivals) -> None:
    here.put(key_of("acme", "one"))
    readings = chain([0.0, 0.0], repeat(ROUND_SECONDS))
    found = receive(here.services, here.memory, here.now, clock=lambda: next(readings))
    assert (found.looks.arrived, found.position) == ([], here.memory.position)
    assert here.round().arrived


class Overtaken(WholeFolder):
    """An ingest store that calls `meanwhile` between its listing and its use."""

    def __init__(self, root: Path, meanwhile: Callable[[], object]) -> None:
        super().__init__(root)
        self._meanwhile = meanwhile

    def project(self, project: str) -> FolderProjectIngest:
        found = super().project(project)
        listing = found.listing

        def overtaken(prefix: str) -> Iterator[StoredObject]:
            listed = list(listing(prefix))
            self._meanwhile()
            return iter(listed)

        found.listing = overtaken
        return found


def test_video_registered_during_a_look_is_kept(here: Arrivals) -> None:
    def arrives() -> None:
        here.put(key_of("acme", "one"))
        register_now(here.ingest, here.catalog, key_of("acme", "one"), here.now)

    looks = Looks(replace(here.services, ingest=Overtaken(here.root, arrives)), here.now)
    (here.root / "projects/acme").mkdir(parents=True)
    looks.into(key_of("acme", "one"))
    assert looks.removed == []
    record = here.record("acme/one")
    assert record and record.removed_at is None


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys_a_tick=st.integers(1, 7),
    changes=st.lists(
        st.lists(
            st.tuples(st.sampled_from(["acme", "globex"]), st.sampled_from("abc"), st.booleans()),
            max_size=4,
        ),
        max_size=5,
    ),
)
def test_catalogue_converges_to_store_contents(
    here: Arrivals, keys_a_tick: int, changes: list[list[tuple[str, str, bool]]]
) -> None:
    here.put("projects/readme/keeps-the-store-from-being-empty.mp4")
    here.with_policy(keys_a_tick=keys_a_tick)
    for some in changes:
        for project, video, there in some:
            if there:
                here.put(key_of(project, video))
            else:
                (here.root / key_of(project, video)).unlink(missing_ok=True)
        here.any_round()
    for _ in range(20):
        here.any_round()
    for project in ("acme", "globex"):
        folder = here.root / "projects" / project / "videos"
        present = {path.parent.name for path in folder.glob("*/a.mp4")}
        records = here.catalog.project(project).videos.listing()
        assert {r.key.video for r in records if r.removed_at is None} == present
    assert isinstance(here.memory.position, Position)
