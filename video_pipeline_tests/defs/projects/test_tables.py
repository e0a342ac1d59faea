"""The tables of projects: their columns and summaries."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from video_pipeline.defs.projects.tables import COLUMNS, needed, overview_metadata
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.status.overview import SHOWN

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def row(videos: int, need: int = 0, rejected: int = 0) -> dict[str, int]:
    zero = dict.fromkeys(("at work", "waits", "stale"), 0)
    return {"videos": videos, "need you": need, "rejected": rejected, **zero}


def test_each_state_is_in_one_column() -> None:
    shown = Counter(state for group in COLUMNS.values() for state in group)
    assert shown == dict.fromkeys(PhaseState, 1)


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        (row(120, 3), "3 of 120 videos need you"),
        (row(1, 1), "1 of 1 video needs you"),
        (row(1200, 0, 2), "0 of 1,200 videos need you, 2 files rejected"),
    ],
)
def test_summary_counts_videos_in_words(numbers: dict[str, int], told: str) -> None:
    assert needed(numbers) == told


def test_overview_shows_projects_in_need_first() -> None:
    rows = {f"p{number:03}": row(1) for number in range(2 * SHOWN)}
    found = overview_metadata({**rows, "zeta": row(9, 4), "gone": row(0)}, NOW)
    assert found["summary"] == f"4 of {2 * SHOWN + 9} videos need you, in {2 * SHOWN + 1} projects"
    names = [record.data["project"] for record in found["projects"].records]
    assert names[:2] == ["zeta", "p000"] and len(names) == 2 * SHOWN
    assert found["not shown"] == "1 project"
