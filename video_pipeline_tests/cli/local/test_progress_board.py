"""The progress of videos as a table and as lines, and when a video has ended."""

from datetime import UTC, datetime, timedelta
from io import StringIO

from rich.console import Console

from video_pipeline.cli.local.progress_board import Board, has_ended, is_good, reasons, table
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseStatus
from video_pipeline.pipeline.services import Services, now_utc

KEY = VideoKey(project="acme", video="one")
THEN = datetime(2026, 1, 1, tzinfo=UTC)


def status(phase: Phase, state: PhaseState, **more: object) -> PhaseStatus:
    later = THEN + timedelta(seconds=2.5)
    return PhaseStatus.model_validate(
        {"phase": phase, "state": state, "started_at": THEN, "updated_at": later, **more}
    )


def drawn(statuses: dict[Phase, PhaseStatus], lines: int) -> list[str]:
    out = StringIO()
    Console(file=out, width=100).print(table({KEY: statuses}, lines, THEN + timedelta(seconds=7)))
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_table_shows_a_running_phase() -> None:
    running = status(Phase.SHOTS, PhaseState.RUNNING, percent=40, provider="cuts")
    assert drawn({Phase.SHOTS: running}, 10) == [
        "video phase state percent provider seconds",
        "acme/one shots running 40 % cuts 7.0",
    ]


def test_table_folds_finished_phases_when_it_is_too_long() -> None:
    of_video = {phase: status(phase, PhaseState.DONE) for phase in Phase}
    of_video[Phase.SHOTS] = status(Phase.SHOTS, PhaseState.FAILED)
    lines = drawn(of_video, 3)
    assert lines[1:] == ["acme/one 10 of 11 phases done", "acme/one shots failed 2.5"]


def test_table_has_a_line_for_a_video_without_phases() -> None:
    assert drawn({}, 10)[1:] == ["acme/one not begun"]


def test_board_prints_a_line_per_change_without_terminal(services: Services) -> None:
    out = StringIO()
    board = Board(Console(file=out, width=100), services.catalog, [KEY])
    events = services.of("acme").events
    with board.shown():
        for percent in (0, 50):
            at = now_utc()
            events.record("one", Phase.SHOTS, PhaseState.RUNNING, at, percent=percent)
            board.refresh()
        events.record("one", Phase.SHOTS, PhaseState.FAILED, now_utc(), message="[no] luck")
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert "shots  running" in lines[0]
    assert lines[1].endswith("[no] luck")


def test_has_ended_when_every_phase_is_good() -> None:
    of_video = {phase: status(phase, PhaseState.NOT_CONFIGURED) for phase in Phase}
    assert is_good(of_video) and has_ended(of_video, THEN)
    assert reasons(KEY, of_video) == []


def test_has_ended_after_a_new_failure_if_nothing_runs() -> None:
    failed = {Phase.SHOTS: status(Phase.SHOTS, PhaseState.FAILED, message="why")}
    running = {Phase.AUDIO: status(Phase.AUDIO, PhaseState.RUNNING)}
    assert has_ended(failed, THEN)
    assert not has_ended(failed, THEN + timedelta(minutes=1))
    assert not has_ended(failed | running, THEN)
    assert reasons(KEY, failed) == ["acme/one  shots: failed: why"]


def test_has_not_ended_without_phases() -> None:
    assert not has_ended({}, THEN)
    assert "no phase has begun" in reasons(KEY, {})[0]
