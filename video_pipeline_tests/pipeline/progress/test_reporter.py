"""Progress in percent: every tenth, and none of work that is over at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.video_run import VideoRun

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.09, []), (2.0, [50, 60, 70, 80, 90]), (40.0, [10, 20, 30, 40, 50, 60, 70, 80, 90])],
    ids=["over at once", "after a second", "long"],
)
def test_progress_is_told_by_tenths(services: Services, seconds: float, told: list[int]) -> None:
    heard: list[int | None] = []
    now = [_BEGIN]

    def notify(phase: Phase, state: PhaseState, percent: int | None, message: str) -> None:
        heard.append(percent)

    run = VideoRun.of(services, VideoKey(project="acme", video="one"))
    report = Reporter(replace(run, clock=lambda: now[0], notify=notify)).progress(Phase.SHOTS, "a")
    for step in range(101):
        now[0] = _BEGIN + timedelta(seconds=seconds * step / 100)
        report(step / 100)
    assert heard == told
