"""The table and the lines that show how videos go on."""

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


def drawn(statuses: dict[Phase, PhaseStatus], room: int) -> list[str]:
    out = StringIO()
    Console(file=out, width=100).print(table({KEY: statuses}, room, THEN + timedelta(seconds=7)))
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_the_table_has_video_phase_state_percent_provider_and_seconds() -> None:
    running = status(Phase.SHOTS, PhaseState.RUNNING, percent=40, provider="cuts")
    assert drawn({Phase.SHOTS: running}, 10) == [
        "video phase state percent provider seconds",
        "acme/one shots running 40 % cuts 7.0",
    ]


def test_where_room_is_short_finished_phases_share_a_line() -> None:
    of_video = {phase: status(phase, PhaseState.DONE) for phase in Phase}
    of_video[Phase.SHOTS] = status(Phase.SHOTS, PhaseState.FAILED)
    lines = drawn(of_video, 3)
    assert lines[1:] == ["acme/one 10 of 11 phases done", "acme/one shots failed 2.5"]


def test_a_video_of_which_nothing_is_known_yet_has_a_line() -> None:
    assert drawn({}, 10)[1:] == ["acme/one not begun"]


def test_without_a_terminal_each_change_of_state_is_one_line(services: Services) -> None:
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


def test_a_video_has_ended_when_all_is_good() -> None:
    of_video = {phase: status(phase, PhaseState.NOT_CONFIGURED) for phase in Phase}
    assert is_good(of_video) and has_ended(of_video, THEN)
    assert reasons(KEY, of_video) == []


def test_a_failure_ends_it_unless_it_is_an_old_one_or_something_still_runs() -> None:
    failed = {Phase.SHOTS: status(Phase.SHOTS, PhaseState.FAILED, message="why")}
    running = {Phase.AUDIO: status(Phase.AUDIO, PhaseState.RUNNING)}
    assert has_ended(failed, THEN)
    assert not has_ended(failed, THEN + timedelta(minutes=1))
    assert not has_ended(failed | running, THEN)
    assert reasons(KEY, failed) == ["acme/one  shots: failed: why"]


def test_a_video_of_which_nothing_is_known_has_not_ended() -> None:
    assert not has_ended({}, THEN)
    assert "nothing has begun" in reasons(KEY, {})[0]
