"""What comes of it when MongoDB's primary dies: nothing is lost, doubled, or left half-done."""

import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import pytest

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.catalog.connection import connect
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.source import Source
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.work import UnitState, WorkRequest
from video_pipeline_tests.doubles.units import bring_to
from video_pipeline_tests.servers.replica_set import ReplicaSet, replica_set

Requests = Callable[..., WorkRequest]
VIDEOS, WORKERS = 60, 4
ROWS = 2500
PATIENCE = 20.0
"""Longer than an election takes here, as a run's is where elections take longer."""


@pytest.fixture(scope="module")
def servers() -> Iterator[ReplicaSet]:
    """One set for all tests; the path of a socket must be short."""
    with tempfile.TemporaryDirectory(prefix="rs-") as folder, replica_set(Path(folder)) as servers:
        yield servers


@pytest.fixture
def catalog(servers: ReplicaSet) -> Iterator[Catalog]:
    """A catalogue of its own, as patient as a run's."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    with closing(connect(servers.uri, name, patience_seconds=PATIENCE)) as catalog:
        yield catalog


def shots(count: int) -> list[Marker]:
    ranges = [TimeRange(start=Fraction(n), end=Fraction(n + 1)) for n in range(count)]
    return [Marker(kind=Kind.SHOT, range=one) for one in ranges]


def result(**counts: int) -> PhaseResult:
    return PhaseResult(phase=Phase.SHOTS, state=PhaseState.DONE, counts=counts)


def _killed(servers: ReplicaSet) -> None:
    dying = servers.primary()
    dying.kill()
    servers.primary()
    dying.start_again()


@pytest.mark.parametrize("end", [_killed, ReplicaSet.step_down], ids=["killed", "stepped-down"])
def test_an_election_in_the_middle_of_work_is_not_noticed(
    servers: ReplicaSet,
    acme: ProjectCatalog,
    request_for: Requests,
    now: datetime,
    end: Callable[[ReplicaSet], None],
) -> None:
    begun = threading.Semaphore(0)

    def work(number: int) -> None:
        video = f"v{number}"
        unit = acme.units.open(request_for(video), 0, (), now)
        acme.events.record(video, Phase.SHOTS, PhaseState.RUNNING, now)
        unit = bring_to(acme.units, unit, UnitState.RUNNING, now)
        begun.release()
        acme.results.publish(video, result(shot=3), shots(3))
        acme.units.finish(unit, UnitState.SETTLED, now, used=())
        acme.events.record(video, Phase.SHOTS, PhaseState.DONE, now)

    with ThreadPoolExecutor(WORKERS) as pool:
        working = [pool.submit(work, number) for number in range(VIDEOS)]
        for _ in range(VIDEOS // 3):
            begun.acquire()
        end(servers)
        for one in working:
            one.result()
    settled = acme.units.in_state(UnitState.SETTLED)
    assert [unit.attempts for unit in settled] == [1] * VIDEOS
    numbers = [event.sequence for event in acme.events.after(0)]
    assert numbers == list(range(1, 2 * VIDEOS + 1))
    for number in range(VIDEOS):
        assert list(acme.results.markers(f"v{number}")) == shots(3)


def test_write_with_lost_answer_is_not_repeated(
    servers: ReplicaSet,
    acme: ProjectCatalog,
    request_for: Requests,
    source: Callable[..., Source],
    now: datetime,
) -> None:
    acme.videos.register(source("other"), now)
    for lost in ("insert", "update", "findAndModify"):
        servers.answers_are_lost(lost, times=2)
        assert acme.videos.register(source(lost), now)
        servers.answers_are_lost(lost, times=2)
        assert acme.videos.register(source(lost, version="2"), now)
        servers.answers_are_lost(lost, times=2)
        unit = acme.units.open(request_for(lost), 0, (), now)
        servers.answers_are_lost(lost, times=2)
        moved = acme.units.begin(unit, now, parked=False)
        assert moved == acme.units.get(unit.id)
        servers.answers_are_lost(lost, times=2)
        acme.events.record(lost, Phase.SHOTS, PhaseState.RUNNING, now)
        servers.answers_are_lost(lost, times=2)
        acme.results.publish(lost, result(), shots(2))
        assert len(list(acme.results.markers(lost))) == 2
        servers.answers_are_lost(lost, times=0)
    assert [event.sequence for event in acme.events.after(0)] == [1, 2, 3]


def test_lasting_loss_raises_without_patience(
    servers: ReplicaSet, source: Callable[..., Source], now: datetime
) -> None:
    """As a sensor has none: it looks again at its next tick, and finds what was done."""
    with closing(connect(servers.uri, "impatient", timeout_seconds=1)) as catalog:
        videos = catalog.project("acme").videos
        videos.register(source("before"), now)
        servers.answers_are_lost("insert", times=1_000_000)
        with pytest.raises(CatalogUnavailable):
            videos.register(source("lost"), now)
        servers.answers_are_lost("insert", times=0)
        assert not videos.register(source("lost"), now)


def test_late_answer_raises_unless_many_rows_are_asked_for(
    servers: ReplicaSet, source: Callable[..., Source], now: datetime
) -> None:
    with closing(connect(servers.uri, "late", timeout_seconds=1)) as catalog:
        acme = catalog.project("acme")
        acme.videos.register(source("film"), now)
        acme.results.publish("film", result(), shots(ROWS))
        servers.answers_are_late("find", 1, milliseconds=1500)
        with pytest.raises(CatalogUnavailable):
            acme.videos.get("film")
        servers.answers_are_late("aggregate", 1, milliseconds=1500)
        assert acme.arrivals.present() == 1
        servers.answers_are_late("getMore", 2, milliseconds=600)
        assert len(list(acme.results.markers("film"))) == ROWS
        servers.answers_are_late("find", 0, milliseconds=0)


def test_long_read_resumes_after_server_failure(servers: ReplicaSet) -> None:
    """Resume the read after a wait for the server that holds the cursor."""
    with closing(connect(servers.uri, "long", patience_seconds=4)) as catalog:
        _reading_goes_on(servers, catalog.project("acme"))


def _reading_goes_on(servers: ReplicaSet, acme: ProjectCatalog) -> None:
    acme.results.publish("film", result(), shots(ROWS))
    reading = acme.results.markers("film")
    read = [next(reading) for _ in range(10)]
    dying = servers.primary()
    dying.kill()
    read += reading
    dying.start_again()
    assert read == shots(ROWS)


def test_lost_majority_raises_and_recovers(
    servers: ReplicaSet, acme: ProjectCatalog, now: datetime
) -> None:
    acme.events.record("film", Phase.SHOTS, PhaseState.RUNNING, now)
    primary = servers.primary()
    dead = [member for member in servers.members if member is not primary]
    for member in dead:
        member.kill()
    until = time.monotonic() + 20
    with closing(connect(servers.uri, "any", timeout_seconds=0.5)) as impatient:
        while time.monotonic() < until:  # the one that is left lays its office down
            try:
                impatient.project("acme").events.after(0)
            except CatalogUnavailable as error:
                assert "MONGODB_URI" in error.remedy and error.passes
                break
            time.sleep(0.1)
        else:
            raise AssertionError("one of three went on alone")
    for member in dead:
        member.start_again()
    assert acme.events.record("film", Phase.SHOTS, PhaseState.DONE, now).sequence == 2
