"""Sums and listings of a project: a removed video is in none but the usage."""

from collections.abc import Callable
from datetime import datetime

import pytest

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.source import Source

FAILED = PhaseState.FAILED


@pytest.fixture(autouse=True)
def videos(
    acme: ProjectCatalog, globex: ProjectCatalog, source: Callable[..., Source], now: datetime
) -> None:
    """Of each project `film` and `gone`, whose shots failed after a result with a warning."""
    warned = PhaseResult(phase=Phase.SHOTS, state=PhaseState.DONE, warnings=("dark",))
    for project in (acme, globex):
        for video in ("film", "gone"):
            project.videos.register(source(video, project.project), now)
            project.results.publish(video, warned)
            project.events.record(video, Phase.SHOTS, FAILED, now)


def test_removed_video_is_in_no_sum_or_list(
    acme: ProjectCatalog, globex: ProjectCatalog, now: datetime
) -> None:
    (known,) = acme.arrivals.known("projects/acme/videos/gone/", "projects/acme/videos/gone0")
    assert acme.arrivals.remove(known, now)
    standings, totals = acme.standings, acme.standings.totals()
    assert (totals.videos, totals.removed) == (1, 1)
    assert standings.counts() == {(Phase.SHOTS, FAILED): 1}
    assert [video for video, _ in standings.in_state(FAILED)] == ["film"]
    assert standings.videos_in(FAILED) == {"film"}
    assert acme.videos.delivered(["film", "gone", "nosuch"]).keys() == {"film"}
    assert [video for video, _, _ in standings.warned()] == ["film"]
    assert globex.standings.counts() == {(Phase.SHOTS, FAILED): 2}


def test_leftovers_of_an_unregistered_video_are_listed(acme: ProjectCatalog, now: datetime) -> None:
    acme.events.record("nosuch", Phase.SHOTS, FAILED, now)
    assert acme.standings.counts() == {(Phase.SHOTS, FAILED): 3}
    assert [video for video, _ in acme.standings.in_state(FAILED)] == ["film", "gone", "nosuch"]
