"""The backlog of runs: portions, fairness between projects, and nothing lost or done twice."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.source import Source
from video_pipeline.pipeline.arrivals.pending_runs import (
    MOST,
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
    """One portion whose request is committed: the keys that were requested."""

    def tick(most: int = MOST) -> list[str]:
        portion = next_runs(catalog, most)
        note_requested(catalog, [Requested(key=r.key, arrived_at=r.arrived_at) for r in portion])
        return [str(record.key) for record in portion]

    return tick


def test_a_portion_is_shared_between_projects_however_much_one_has(catalog: Catalog, tick) -> None:
    for number in range(20):
        arrive(catalog, f"acme/v{number:02}", number)
    for number in range(2):
        arrive(catalog, f"globex/v{number}", 100 + number)
    assert Counter(key.split("/")[0] for key in tick(6)) == {"acme": 4, "globex": 2}


def test_within_a_project_those_are_first_that_arrived_first(catalog: Catalog, tick) -> None:
    for number, video in enumerate(["c", "a", "b"]):
        arrive(catalog, f"acme/{video}", number)
    assert tick(2) == ["acme/c", "acme/a"]


def test_no_project_waits_for_ever_where_there_are_more_than_a_portion(
    catalog: Catalog, tick
) -> None:
    for project in ("acme", "globex", "initech"):
        for number in range(3):
            arrive(catalog, f"{project}/v{number}", number)
    served = [key.split("/")[0] for _ in range(9) for key in tick(1)]
    assert Counter(served) == {"acme": 3, "globex": 3, "initech": 3}
    assert set(served[:3]) == {"acme", "globex", "initech"}


def test_a_backlog_drains_over_portions_and_each_run_is_requested_once(
    catalog: Catalog, tick
) -> None:
    for number in range(25):
        arrive(catalog, f"{'acme' if number % 5 else 'globex'}/v{number}", number)
    asked: list[str] = []
    while portion := tick(4):
        assert len(portion) <= 4
        asked += portion
    assert len(asked) == len(set(asked)) == 25
    assert waiting_runs(catalog) == 0


def test_a_portion_whose_request_was_lost_is_the_next_one_again(catalog: Catalog) -> None:
    for number in range(5):
        arrive(catalog, f"acme/v{number}", number)
    assert next_runs(catalog, 3) == next_runs(catalog, 3)
    assert waiting_runs(catalog) == 5


def test_a_version_that_arrives_after_its_request_stays_due(catalog: Catalog) -> None:
    arrive(catalog, "acme/one")
    (asked,) = next_runs(catalog)
    arrive(catalog, "acme/one", 1, version="2")
    note_requested(catalog, [Requested(key=asked.key, arrived_at=asked.arrived_at)])
    assert [record.source.version for record in next_runs(catalog)] == ["2"]


def test_what_was_noted_is_noted_again_without_harm(catalog: Catalog) -> None:
    arrive(catalog, "acme/one")
    (asked,) = next_runs(catalog)
    gone = VideoKey.parse("acme/never-there")
    noted = [Requested(key=key, arrived_at=asked.arrived_at) for key in (asked.key, gone)]
    note_requested(catalog, noted)
    note_requested(catalog, noted)
    assert waiting_runs(catalog) == 0
