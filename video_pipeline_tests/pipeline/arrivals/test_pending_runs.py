"""The backlog of runs: portions, fairness between projects, and no run lost or doubled."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.source import Source
from video_pipeline.pipeline.arrivals.pending_runs import (
    Requested,
    next_runs,
    note_requested,
    waiting_runs,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def arrive(catalog: Catalog, key: str, seconds: float = 0, version: str = "1") -> None:
    parsed = VideoKey.parse(key)
    source = Source(
        key=parsed, object_key=f"{parsed.prefix}a.mp4", name=parsed.video, version=version, size=1
    )
    catalog.project(parsed.project).videos.register(source, NOW + timedelta(seconds=seconds))


@pytest.fixture
def tick(catalog: Catalog):
    """Return a function that requests and commits one portion, and returns its keys."""

    served = ""

    def tick(most: int) -> list[str]:
        nonlocal served
        portion = next_runs(catalog.each(), most, served)
        served = portion[-1].key.project if portion else ""
        note_requested(catalog, [Requested(key=r.key, arrived_at=r.arrived_at) for r in portion])
        return [str(record.key) for record in portion]

    return tick


def test_next_runs_are_shared_between_projects(catalog: Catalog, tick) -> None:
    for number in range(20):
        arrive(catalog, f"acme/v{number:02}", number)
    for number in range(2):
        arrive(catalog, f"globex/v{number}", 100 + number)
    assert Counter(key.split("/")[0] for key in tick(6)) == {"acme": 4, "globex": 2}


def test_next_runs_of_a_project_are_oldest_first(catalog: Catalog, tick) -> None:
    for number, video in enumerate(["c", "a", "b"]):
        arrive(catalog, f"acme/{video}", number)
    assert tick(2) == ["acme/c", "acme/a"]


def test_next_runs_serve_every_project_with_small_portions(catalog: Catalog, tick) -> None:
    for project in ("acme", "globex", "initech"):
        for number in range(3):
            arrive(catalog, f"{project}/v{number}", number)
    served = [key.split("/")[0] for _ in range(9) for key in tick(1)]
    assert Counter(served) == {"acme": 3, "globex": 3, "initech": 3}
    assert set(served[:3]) == {"acme", "globex", "initech"}


def test_next_runs_do_not_stay_with_earlier_projects(catalog: Catalog, tick) -> None:
    for number in range(9):
        arrive(catalog, f"acme/v{number}")
        arrive(catalog, f"globex/v{number}")
    arrive(catalog, "initech/late", 60)
    arrive(catalog, "umbrella/late", 60)
    served = [[key.split("/")[0] for key in tick(2)] for _ in range(3)]
    everyone = ["acme", "globex", "initech", "umbrella"]
    assert served == [everyone, ["acme", "globex"], ["acme", "globex"]]


def test_backlog_drains_and_requests_each_run_once(catalog: Catalog, tick) -> None:
    for number in range(25):
        arrive(catalog, f"{'acme' if number % 5 else 'globex'}/v{number}", number)
    asked: list[str] = []
    while portion := tick(4):
        assert len(portion) <= 4
        asked += portion
    assert len(asked) == len(set(asked)) == 25
    assert waiting_runs(catalog.each()) == 0


def test_next_runs_repeats_unrecorded_portion(catalog: Catalog) -> None:
    for number in range(5):
        arrive(catalog, f"acme/v{number}", number)
    assert next_runs(catalog.each(), 3) == next_runs(catalog.each(), 3)
    assert waiting_runs(catalog.each()) == 5


def test_note_requested_keeps_newer_version_due(catalog: Catalog) -> None:
    arrive(catalog, "acme/one")
    (asked,) = next_runs(catalog.each(), 9)
    arrive(catalog, "acme/one", 1, version="2")
    note_requested(catalog, [Requested(key=asked.key, arrived_at=asked.arrived_at)])
    assert [record.source.version for record in next_runs(catalog.each(), 9)] == ["2"]


def test_note_requested_may_be_repeated(catalog: Catalog) -> None:
    arrive(catalog, "acme/one")
    (asked,) = next_runs(catalog.each(), 9)
    gone = VideoKey.parse("acme/never-there")
    noted = [Requested(key=key, arrived_at=asked.arrived_at) for key in (asked.key, gone)]
    note_requested(catalog, noted)
    note_requested(catalog, noted)
    assert waiting_runs(catalog.each()) == 0
