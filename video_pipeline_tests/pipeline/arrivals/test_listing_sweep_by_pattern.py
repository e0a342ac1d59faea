"""The listing sweep of a store whose layout is a pattern."""

from dataclasses import replace
from pathlib import Path

import pytest

from video_pipeline.pipeline.arrivals.look import Looks
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.pipeline.arrivals.arriving import Arrivals, WholeFolder


@pytest.fixture
def here(tmp_path: Path, services: Services) -> Arrivals:
    """A folder whose files appear whole, so that one look registers them."""
    root = tmp_path / "ingest"
    return Arrivals(root, replace(services, ingest=WholeFolder(root)))


def test_layout_without_folders_rejects_second_object(
    here: Arrivals,
) -> None:
    pattern = r"in/(?P<project>[a-z]+)/\d+/(?P<video>[^/]+)\.(mp4|mov)"
    layout = here.ingest.layout.model_copy(update={"pattern": pattern})
    here.services = replace(here.services, ingest=WholeFolder(here.root, layout))
    here.put("in/acme/2025/film.mp4")
    assert [str(key) for key in here.round().arrived] == ["acme/film"]
    here.put("in/acme/2026/film.mp4")
    here.put("in/globex/2026/film.mp4")
    for _ in range(3):
        assert "acme/film" not in [str(key) for key in here.round().arrived]
    (rejected,) = here.catalog.project("acme").videos.rejections()
    assert rejected.object_key == "in/acme/2026/film.mp4"
    assert "'in/acme/2025/film.mp4' is the same video" in rejected.reason
    assert here.record("globex/film") is not None


RULES = {
    "one folder, with strays below it": r"(?P<project>[^/]+)/(?P<video>[^/]+)/[^/]+",
    "folders of videos in folders of videos": (
        r"(?P<project>[^/]+)/(?:[^/]+/)?(?P<video>[^/]+)/[^/]+"
    ),
}


@pytest.mark.parametrize("pattern", RULES.values(), ids=RULES)
@pytest.mark.parametrize("keys_a_tick", [1, 2, 50])
def test_sweep_and_look_agree_in_layout_by_pattern(
    here: Arrivals, pattern: str, keys_a_tick: int
) -> None:
    layout = here.ingest.layout.model_copy(update={"pattern": pattern})
    here.services = replace(here.services, ingest=WholeFolder(here.root, layout))
    here.with_policy(keys_a_tick=keys_a_tick)
    keys = ["acme/v1/a.mp4", "acme/v1/extras/m.mov", "acme/v1/z.mp4", "globex/v1/a.mp4"]
    for key in keys:
        here.put(key)
    for _ in range(8):
        here.any_round()
    arrived = [record(here, name) for name in ("acme", "globex")]
    looks = Looks(here.services, here.now)
    for key in keys:
        looks.into(key)
    assert (looks.arrived, looks.removed) == ([], []), "the sweep had the same result"
    assert [record(here, name) for name in ("acme", "globex")] == arrived
    assert here.record("globex/v1") is not None
    here.remove("acme/v1/z.mp4")
    for _ in range(8):
        here.any_round()
    one = here.record("acme/v1")
    assert one and one.source.object_key == "acme/v1/a.mp4" and one.removed_at is None


def record(here: Arrivals, project: str) -> tuple[object, ...]:
    """Return the videos and rejections of a project."""
    videos = here.catalog.project(project).videos
    return videos.listing(), [(one.object_key, one.reason) for one in videos.rejections()]
