"""What the catalogue promises about progress: numbers without gaps, and statuses that follow."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState, ProgressEvent
from video_pipeline.domain.results.timeline import PhaseResult, PhaseStatus

MINUTE = timedelta(minutes=1)


def test_events_are_numbered_from_one_and_read_in_order(
    acme: ProjectCatalog, now: datetime
) -> None:
    first = acme.events.record("film", Phase.SHOTS, PhaseState.WAITING, now)
    second = acme.events.record(
        "film",
        Phase.SHOTS,
        PhaseState.RUNNING,
        now + MINUTE,
        percent=40,
        provider="local",
        message="frame 400",
        unit="u1",
        run_id="r1",
    )
    assert second == ProgressEvent(
        sequence=2,
        key=VideoKey(project="acme", video="film"),
        phase=Phase.SHOTS,
        state=PhaseState.RUNNING,
        percent=40,
        provider="local",
        message="frame 400",
        run_id="r1",
        at=now + MINUTE,
    )
    assert acme.events.after(0) == [first, second]
    assert acme.events.after(0, limit=1) == [first]
    assert acme.events.after(1) == [second]
    assert acme.events.after(2) == []


def test_event_has_the_stored_time(acme: ProjectCatalog, now: datetime) -> None:
    odd = now + timedelta(microseconds=789)
    assert acme.events.record("film", Phase.SHOTS, PhaseState.RUNNING, odd).at == now
    assert acme.events.after(0)[0].at == now


def test_each_project_counts_by_itself(
    acme: ProjectCatalog, globex: ProjectCatalog, now: datetime
) -> None:
    for half in (acme, globex, acme):
        half.events.record("film", Phase.SHOTS, PhaseState.RUNNING, now)
    assert [event.sequence for event in acme.events.after(0)] == [1, 2]
    assert [event.sequence for event in globex.events.after(0)] == [1]


def test_resumed_reader_misses_no_concurrent_event(
    acme: ProjectCatalog, now: datetime, threads: ThreadPoolExecutor
) -> None:
    total = 80
    written = [
        threads.submit(acme.events.record, f"v{n % 5}", Phase.AUDIO, PhaseState.RUNNING, now)
        for n in range(total)
    ]
    seen: list[int] = []
    while len(seen) < total:
        finished = all(one.done() for one in written)
        seen += [event.sequence for event in acme.events.after(seen[-1] if seen else 0)]
        if finished:
            break
    assert seen == list(range(1, total + 1))
    assert sorted(one.result().sequence for one in written) == seen


def test_the_status_is_that_of_the_last_event(acme: ProjectCatalog, now: datetime) -> None:
    acme.events.record("film", Phase.SHOTS, PhaseState.RUNNING, now, percent=10, unit="u1")
    acme.events.record("film", Phase.AUDIO, PhaseState.WAITING, now)
    acme.events.record("film", Phase.SHOTS, PhaseState.PARKED, now + MINUTE, provider="cloud")
    assert acme.results.statuses("film") == {
        Phase.AUDIO: PhaseStatus(
            phase=Phase.AUDIO, state=PhaseState.WAITING, started_at=now, updated_at=now
        ),
        Phase.SHOTS: PhaseStatus(
            phase=Phase.SHOTS,
            state=PhaseState.PARKED,
            provider="cloud",
            started_at=now,
            updated_at=now + MINUTE,
        ),
    }


def test_status_is_that_of_the_last_event(
    acme: ProjectCatalog, now: datetime, threads: ThreadPoolExecutor
) -> None:
    for video in map(str, range(20)):

        def record(percent: int, video: str = video) -> ProgressEvent:
            return acme.events.record(video, Phase.SHOTS, PhaseState.RUNNING, now, percent=percent)

        last = max(threads.map(record, range(8)), key=lambda event: event.sequence)
        assert acme.results.statuses(video)[Phase.SHOTS].percent == last.percent


def test_a_phase_starts_when_it_begins_to_run(acme: ProjectCatalog, now: datetime) -> None:
    told = [PhaseState.WAITING, PhaseState.RUNNING, PhaseState.RUNNING, PhaseState.FAILED]
    starts: list[datetime] = []
    for minute, state in enumerate([*told, PhaseState.RUNNING]):
        acme.events.record("film", Phase.SHOTS, state, now + minute * MINUTE)
        starts.append(acme.results.statuses("film")[Phase.SHOTS].started_at)
    assert [start - now for start in starts] == [0 * MINUTE, MINUTE, MINUTE, MINUTE, 4 * MINUTE]


def test_events_leave_the_result_and_results_leave_the_status(
    acme: ProjectCatalog, now: datetime
) -> None:
    result = PhaseResult(phase=Phase.SHOTS, state=PhaseState.DONE, counts={"shot": 3})
    acme.results.publish("film", result)
    assert acme.results.statuses("film") == {}
    acme.events.record("film", Phase.SHOTS, PhaseState.RUNNING, now, percent=1)
    acme.results.publish("film", result)
    status = acme.results.statuses("film")[Phase.SHOTS]
    assert (status.state, status.percent, status.result) == (PhaseState.RUNNING, 1, result)


def test_all_statuses_come_video_by_video(acme: ProjectCatalog, now: datetime) -> None:
    for video in ("b", "a"):
        for phase in (Phase.SHOTS, Phase.AUDIO):
            acme.events.record(video, phase, PhaseState.DONE, now)
    found = [(video, status.phase) for video, status in acme.results.all_statuses()]
    assert [video for video, _ in found] == ["a", "a", "b", "b"]
    assert set(found) == {(v, p) for v in "ab" for p in (Phase.SHOTS, Phase.AUDIO)}


def test_deleted_video_returns_no_event_numbers(
    acme: ProjectCatalog, globex: ProjectCatalog, now: datetime
) -> None:
    for video in ("stays", "goes", "goes"):
        acme.events.record(video, Phase.SHOTS, PhaseState.RUNNING, now)
    globex.events.record("goes", Phase.SHOTS, PhaseState.RUNNING, now)
    for _ in range(2):
        acme.results.forget("goes")
    assert acme.events.last() == 3
    assert acme.events.record("stays", Phase.SHOTS, PhaseState.DONE, now).sequence == 4
    assert [event.sequence for event in acme.events.after(0)] == [1, 4]
    assert [event.sequence for event in globex.events.after(0)] == [1]


def silent(project: ProjectCatalog, now: datetime) -> PhaseStatus:
    """Begin a phase of a run, and return its status."""
    project.events.record("film", Phase.SHOTS, PhaseState.RUNNING, now, unit="u1", run_id="r1")
    return project.results.statuses("film")[Phase.SHOTS]


def end(project: ProjectCatalog, seen: PhaseStatus, now: datetime) -> bool:
    """Report a phase as interrupted that has recorded nothing for a minute."""
    return project.events.end_silent(
        "film", seen, PhaseState.INTERRUPTED, "its run died", now, silent_since=now - MINUTE
    )


def test_end_of_a_silent_phase_is_an_event(
    acme: ProjectCatalog, globex: ProjectCatalog, now: datetime
) -> None:
    silent(globex, now)
    assert end(acme, silent(acme, now), now + 2 * MINUTE)
    status = acme.results.statuses("film")[Phase.SHOTS]
    assert (status.state, status.unit, status.run_id) == (PhaseState.INTERRUPTED, "u1", "r1")
    last = acme.events.after(1)[-1]
    assert (last.sequence, last.state, last.message) == (2, PhaseState.INTERRUPTED, "its run died")
    assert globex.results.statuses("film")[Phase.SHOTS].state is PhaseState.RUNNING


def test_run_that_begins_meanwhile_wins(acme: ProjectCatalog, now: datetime) -> None:
    seen = silent(acme, now)
    acme.events.record("film", Phase.SHOTS, PhaseState.RUNNING, now + 2 * MINUTE, run_id="r2")
    assert not end(acme, seen, now + 2 * MINUTE)
    assert acme.results.statuses("film")[Phase.SHOTS].run_id == "r2"
    assert acme.events.last() == 2


@pytest.mark.parametrize(("age", "ended"), [(0 * MINUTE, False), (2 * MINUTE, True)])
def test_event_without_its_status_counts_while_new(
    acme: ProjectCatalog,
    now: datetime,
    database: Database[dict[str, Any]],
    age: timedelta,
    ended: bool,
) -> None:
    seen = silent(acme, now)
    acme.events.record("film", Phase.SHOTS, PhaseState.RUNNING, now + MINUTE, run_id="r1")
    before = {"updated_at": seen.updated_at, "sequence": 1}
    database["phases"].update_one({"video": "film"}, {"$set": before})
    assert end(acme, seen, now + MINUTE + age) is ended
