"""What the ledger promises: one row a request, moves that its life allows, leases for one."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.domain.errors import FailureCategory, IllegalMove
from video_pipeline.domain.usage import Meter, Usage
from video_pipeline.domain.work import (
    UnitFailure,
    UnitFilter,
    UnitState,
    Wait,
    WaitKind,
    WorkRequest,
    WorkUnit,
    unit_id,
)
from video_pipeline_tests.doubles.units import FULL

Requests = Callable[..., WorkRequest]
MINUTE, SHORT = timedelta(minutes=1), timedelta(milliseconds=200)
PLANNED = (Usage(meter=Meter.VIDEO_SECONDS, quantity=Fraction(1001, 30), paid=True),)


def running(
    half: ProjectCatalog, request: WorkRequest, now: datetime, job: str = "job-7", minutes: int = 0
) -> WorkUnit:
    """Return a unit whose job is polled after these minutes."""
    unit = half.units.begin(half.units.open(request, 0, PLANNED, now), now, parked=False)
    return half.units.accept(unit, job, now, now + minutes * MINUTE)


def test_opening_twice_finds_the_row(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    request = request_for()
    first = acme.units.open(request, 0, PLANNED, now)
    assert first == WorkUnit(
        id=unit_id(request, 0),
        request=request,
        generation=0,
        state=UnitState.PLANNED,
        planned=PLANNED,
        created_at=now,
        updated_at=now,
    )
    moved = acme.units.begin(first, now + MINUTE, parked=False)
    assert acme.units.open(request, 0, (), now + 2 * MINUTE) == moved
    assert acme.units.get(first.id) == moved
    assert acme.units.get("0" * 40) is None


def test_concurrent_opens_make_one_row(
    acme: ProjectCatalog, request_for: Requests, now: datetime, threads: ThreadPoolExecutor
) -> None:
    for n in range(10):
        request = request_for(f"v{n}")
        units = threads.map(lambda one: acme.units.open(one, 0, PLANNED, now), [request] * 8)
        assert len({unit.id for unit in units}) == 1
    assert len(acme.units.in_state(UnitState.PLANNED)) == 10


def test_the_latest_generation_is_found(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    assert acme.units.latest(request_for()) is None
    for generation in (0, 2, 1):
        acme.units.open(request_for(), generation, (), now)
    acme.units.open(request_for(model="other"), 9, (), now)
    found = acme.units.latest(request_for())
    assert found is not None and found.generation == 2


def test_unit_stores_the_fields_of_its_moves(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    unit = running(acme, request_for(), now, minutes=1)
    failure = UnitFailure(category=FailureCategory.PROVIDER_FAILED, message="it broke")
    ended = acme.units.finish(unit, UnitState.FAILED, now + MINUTE, used=PLANNED, failure=failure)
    expected = {
        **dict(unit),
        "state": UnitState.FAILED,
        "failure": failure,
        "settled": PLANNED,
        "wait": None,
        "updated_at": now + MINUTE,
    }
    assert ended == WorkUnit(**expected) == acme.units.get(unit.id)
    assert ended.job == "job-7" and ended.submitted_at == now


def test_invalid_transition_is_refused(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    unit = acme.units.open(request_for(), 0, (), now)
    with pytest.raises(IllegalMove, match="from planned to settled"):
        acme.units.finish(unit, UnitState.SETTLED, now, used=())
    assert acme.units.get(unit.id) == unit


def test_refused_adopted_unit_was_not_submitted(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    unit = acme.units.open(request_for(), 0, (), now)
    adopted = acme.units.adopt(unit, now - 60 * MINUTE, now)
    assert adopted.submitted_at == now - 60 * MINUTE
    refused = acme.units.refuse(adopted, now)
    assert (refused.submitted_at, refused.refused_at) == (None, now)


def test_move_of_an_outdated_row_raises(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    """Also where it has come back to the same state in the same millisecond."""
    read = acme.units.open(request_for(), 0, (), now)
    submitting = acme.units.begin(read, now, parked=False)
    acme.units.refuse(submitting, now)
    with pytest.raises(IllegalMove, match="moved by another"):
        acme.units.begin(read, now, parked=False)


def test_concurrent_moves_have_one_winner(
    acme: ProjectCatalog, request_for: Requests, now: datetime, threads: ThreadPoolExecutor
) -> None:
    unit = acme.units.open(request_for(), 0, (), now)

    def attempt(n: int) -> int | None:
        try:
            return acme.units.begin(unit, now, parked=False).attempts
        except IllegalMove:
            return None

    winners = [n for n in threads.map(attempt, range(16)) if n is not None]
    assert len(winners) == 1
    found = acme.units.get(unit.id)
    assert found is not None and found.attempts == winners[0]


def test_lease_is_exclusive_until_it_expires(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    unit = acme.units.open(request_for(), 0, (), now).id
    held = acme.units.claim(unit, "a", MINUTE)
    assert held is not None and held.holder == "a" and held.leased_until is not None
    assert acme.units.claim(unit, "b", MINUTE) is None
    assert acme.units.claim(unit, "a", MINUTE) is not None
    assert acme.units.renew(unit, "a", SHORT)
    assert acme.units.claim(unit, "b", MINUTE) is None
    time.sleep(2 * SHORT.total_seconds())
    assert acme.units.claim(unit, "b", MINUTE) is not None
    assert not acme.units.renew(unit, "a", MINUTE)
    acme.units.release(unit, "a")
    assert acme.units.claim(unit, "a", MINUTE) is None
    acme.units.release(unit, "b")
    assert acme.units.claim(unit, "a", MINUTE) is not None


def test_concurrent_claims_have_one_winner(
    acme: ProjectCatalog, request_for: Requests, now: datetime, threads: ThreadPoolExecutor
) -> None:
    unit = acme.units.open(request_for(), 0, (), now).id
    told = threads.map(lambda n: acme.units.claim(unit, f"w{n}", MINUTE), range(16))
    assert len([one for one in told if one is not None]) == 1


def test_hint_does_not_block_a_move(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    unit = running(acme, request_for(), now)
    assert acme.units.end(unit.id, now)
    acme.units.claim(unit.id, "a", MINUTE)
    assert acme.units.finish(unit, UnitState.SETTLED, now, used=()).holder == "a"


def test_only_running_units_become_ready(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    waiting = acme.units.open(request_for("waiting"), 0, (), now)
    second = running(acme, request_for("second"), now)
    first = running(acme, request_for("first"), now)
    assert not acme.units.end(waiting.id, now)
    assert acme.units.end(first.id, now)
    assert acme.units.end(second.id, now + MINUTE)
    assert acme.units.end(first.id, now + 2 * MINUTE)
    assert [unit.id for unit in acme.units.ready()] == [first.id, second.id]
    found = acme.units.get(first.id)
    assert found is not None
    acme.units.finish(found, UnitState.SETTLED, now, used=())
    assert [unit.id for unit in acme.units.ready()] == [second.id]
    assert not acme.units.end(first.id, now)


def test_overdue_units_are_listed_longest_overdue_first(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    ids = {
        minutes: running(acme, request_for(f"v{minutes}"), now, minutes=minutes).id
        for minutes in (2, 1, 3, 9)
    }

    def due(minutes: int, limit: int = 100) -> list[str]:
        return [unit.id for unit in acme.units.due(now + minutes * MINUTE, limit)]

    assert due(3) == [ids[1], ids[2], ids[3]]
    assert due(3, limit=2) == [ids[1], ids[2]]
    acme.units.end(ids[1], now)
    acme.units.postpone(ids[2], now + 5 * MINUTE)
    assert due(3) == [ids[3]]
    assert due(5) == [ids[3], ids[2]]


def test_unit_is_found_by_its_job(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    unit = running(acme, request_for(), now, job="job-1")
    running(acme, request_for(provider="rival"), now, job="job-1")
    assert acme.units.by_job("cloud", "job-1") == unit
    assert acme.units.by_job("cloud", "job-2") is None


def test_units_are_listed_oldest_first(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    later = acme.units.open(request_for(model="b"), 0, (), now + MINUTE)
    earlier = acme.units.open(request_for(model="a"), 0, (), now)
    other = acme.units.open(request_for("other"), 0, (), now - MINUTE)
    assert acme.units.of_video("film") == [earlier, later]
    assert acme.units.in_state(UnitState.PLANNED) == [other, earlier, later]
    assert acme.units.in_state(UnitState.PLANNED, limit=1) == [other]
    assert acme.units.in_state(UnitState.RUNNING) == []


def of(*states: UnitState, **more: str) -> UnitFilter:
    return UnitFilter(states=frozenset(states), **more)


def test_listing_resumes_after_a_unit_of_the_same_time(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    at_once = [acme.units.open(request_for(f"v{n}"), 0, PLANNED, now) for n in range(4)]
    later = running(acme, request_for("later"), now + MINUTE)
    wanted = of(UnitState.PLANNED, UnitState.RUNNING)
    expected = [*sorted(at_once, key=lambda unit: unit.id), later]
    assert acme.units.listing(wanted) == expected
    first = acme.units.listing(wanted, limit=2)
    assert first + acme.units.listing(wanted, first[-1], limit=9) == expected
    assert acme.units.listing(wanted, later) == []


def test_listing_filters_by_state_provider_and_video(
    acme: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    mine = acme.units.open(request_for(), 0, PLANNED, now)
    rival = acme.units.open(request_for(provider="rival"), 0, PLANNED, now)
    other = acme.units.open(request_for("other"), 0, PLANNED, now)
    running(acme, request_for("runs"), now)
    assert {u.id for u in acme.units.listing(of(UnitState.PLANNED))} == {
        *(mine.id, rival.id, other.id)
    }
    assert acme.units.listing(of(UnitState.PLANNED, provider="rival")) == [rival]
    assert acme.units.listing(of(UnitState.PLANNED, video="other")) == [other]
    assert acme.units.listing(of(UnitState.SETTLED)) == []


def test_units_are_summed_by_provider_and_state(
    acme: ProjectCatalog, globex: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    for n in range(3):
        acme.units.open(request_for(f"v{n}"), 0, PLANNED, now)
    acme.units.open(request_for("twice"), 0, PLANNED * 2, now)
    running(acme, request_for(provider="rival"), now)
    globex.units.open(request_for(project="globex"), 0, PLANNED, now)
    cloud, rival = acme.units.sums(of(*UnitState))
    assert (cloud.provider, cloud.state, cloud.units) == ("cloud", UnitState.PLANNED, 4)
    (planned,) = cloud.planned
    assert planned.quantity == 5 * PLANNED[0].quantity and planned.paid
    assert (rival.provider, rival.state, rival.units) == ("rival", UnitState.RUNNING, 1)
    assert acme.units.sums(of(UnitState.FAILED)) == []


class TestLeftBehind:
    """Only what something can be made of is listed: the rest would hide it."""

    def begun(self, half: ProjectCatalog, request: WorkRequest, now: datetime) -> WorkUnit:
        unit = half.units.open(request, 0, PLANNED, now)
        return half.units.begin(unit, now, parked=False)

    def test_abandoned_is_not_hidden_by_unrepeatable_units(
        self, acme: ProjectCatalog, globex: ProjectCatalog, request_for: Requests, now: datetime
    ) -> None:
        for n in range(100):
            self.begun(acme, request_for(f"v{n}", provider="local"), now)
        late = now + MINUTE
        own = self.begun(acme, request_for("own", provider="cloud"), late)
        awaited = self.begun(acme, request_for("awaited", provider="local"), late + MINUTE)
        awaited = acme.units.refuse(awaited, late + MINUTE)
        awaited = acme.units.begin(awaited, late + MINUTE, parked=True)
        found = acme.units.abandoned({"cloud": now}, late)
        assert [unit.id for unit in found] == [own.id, awaited.id]
        overdue = acme.units.abandoned({"cloud": late + MINUTE}, late)
        assert [unit.id for unit in overdue] == [awaited.id]
        assert globex.units.abandoned({"cloud": now}, late) == []

    def test_waiting_skips_deferred_units(
        self, acme: ProjectCatalog, globex: ProjectCatalog, request_for: Requests, now: datetime
    ) -> None:
        begun = self.begun(acme, request_for(provider="cloud"), now)
        other = self.begun(globex, request_for(project="globex", provider="cloud"), now)
        silent = Wait(kind=WaitKind.PROVIDER, until=now + MINUTE)
        acme.units.defer(begun.id, silent)
        globex.units.defer(begun.id, silent.model_copy(update={"scope": "not mine"}))
        earlier = {"cloud": now - MINUTE}
        assert acme.units.abandoned(earlier, now) == []
        assert [one.id for one in globex.units.abandoned(earlier, now)] == [other.id]
        (found,) = acme.units.abandoned(earlier, now + MINUTE)
        assert (found.wait, found.refusals) == (silent, 1)

    def test_dropped_lists_refused_units_outside_any_backlog(
        self, acme: ProjectCatalog, globex: ProjectCatalog, request_for: Requests, now: datetime
    ) -> None:
        def refused(video: str) -> WorkUnit:
            begun = self.begun(acme, request_for(video, provider="cloud"), now)
            return acme.units.refuse(begun, now)

        dropped, waits, freed, held = map(refused, ("dropped", "waits", "freed", "held"))
        acme.units.open(request_for("fresh", provider="cloud"), 0, PLANNED, now)
        acme.units.queue(waits.id, FULL, "pool", Fraction(1), now)
        acme.units.hand_over(freed.id, now)
        acme.units.claim(held.id, "a run", MINUTE)
        assert [unit.id for unit in acme.units.dropped(["cloud"])] == [dropped.id]
        assert acme.units.dropped(["other"]) == [] == globex.units.dropped(["cloud"])


def test_explain_skips_deferred_units(
    acme: ProjectCatalog, globex: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    first, second = (acme.units.open(request_for(v), 0, PLANNED, now) for v in ("one", "two"))
    theirs = globex.units.open(request_for(project="globex"), 0, PLANNED, now)
    silent = Wait(kind=WaitKind.PROVIDER)
    for half, unit in ((acme, first), (acme, second), (globex, theirs)):
        half.units.queue(unit.id, silent, "pool", Fraction(1), now)
    acme.units.defer(first.id, silent.model_copy(update={"until": now + MINUTE}))
    acme.units.explain("pool", FULL, now)
    assert [unit.id for unit in acme.units.queued("pool", now)] == [second.id]
    assert acme.units.backlog() == {"pool": 2}, "it waits all the same"
    assert [unit.id for unit in globex.units.queued("pool", now)] == [theirs.id]
    later = acme.units.queued("pool", now + MINUTE)
    assert {unit.id: (unit.wait and unit.wait.kind, unit.refusals) for unit in later} == {
        first.id: (WaitKind.PROVIDER, 1),
        second.id: (WaitKind.SLOT, 0),
    }
    acme.units.queue(first.id, FULL, "pool", Fraction(1), now)
    assert acme.units.queued("pool", now) == later[1:], "a deferral stands until its end"
    running_unit = running(acme, request_for("runs"), now)
    acme.units.defer(running_unit.id, silent)
    assert acme.units.get(running_unit.id) == running_unit, "its request was taken"


def test_units_are_read_in_bulk(
    acme: ProjectCatalog, globex: ProjectCatalog, request_for: Requests, now: datetime
) -> None:
    one, two = (acme.units.open(request_for(v), 0, PLANNED, now) for v in ("one", "two"))
    assert acme.units.among([one.id, two.id, "0" * 40]) == {one.id: one, two.id: two}
    assert globex.units.among([one.id]) == {}
