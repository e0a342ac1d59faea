"""What all projects share: slots are never more than there are, a day's seconds are never exceeded,
counted twice or left over, however many ask at once."""

import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from pymongo.database import Database

from video_pipeline.catalog.admissions import Admissions
from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.schema import SHARED
from video_pipeline.domain.slots import Budget, Pool

MINUTE, MOMENT = timedelta(minutes=1), timedelta(milliseconds=50)
DAY, NEXT = date(2026, 11, 24), date(2026, 11, 25)
PROCESSES = 50


@pytest.fixture
def admissions(catalog: Catalog) -> Admissions:
    return catalog.admissions


def pool(admissions: Admissions) -> Pool:
    (found,) = admissions.pools("p")
    return found


def test_a_slot_is_held_until_it_is_freed(admissions: Admissions) -> None:
    assert admissions.take("p", 1, "acme", "a", MOMENT)
    time.sleep(0.1)
    assert not admissions.take("p", 1, "globex", "b", MINUTE), "its job may run for hours"
    admissions.free("p", "a")
    assert admissions.take("p", 1, "globex", "b", MINUTE)
    assert [(slot.project, slot.unit) for slot in pool(admissions).holders] == [("globex", "b")]
    assert set(pool(admissions).served) == {"acme", "globex"}


def test_take_again_keeps_the_slot(admissions: Admissions) -> None:
    assert admissions.take("p", 2, "acme", "a", MINUTE)
    since = pool(admissions).holders[0].since
    assert admissions.take("p", 2, "acme", "a", MINUTE, newcomer=True)
    assert [slot.since for slot in pool(admissions).holders] == [since]


def test_slot_is_freed_if_expired_but_not_if_renewed(admissions: Admissions) -> None:
    admissions.take("p", 2, "acme", "a", MOMENT)
    admissions.take("p", 2, "acme", "b", MOMENT)
    time.sleep(0.1)
    admissions.take("p", 2, "acme", "b", MINUTE)
    for unit in ("a", "b"):
        admissions.free_expired("p", unit)
    assert [slot.unit for slot in pool(admissions).holders] == ["b"]


def test_pools_are_independent(admissions: Admissions) -> None:
    assert admissions.take("p", 1, "acme", "a", MINUTE)
    assert admissions.take("q", 1, "acme", "b", MINUTE)
    assert [one.name for one in admissions.pools()] == ["p", "q"]
    assert admissions.pools("r") == []


def test_newcomer_does_not_overtake_refused_units(admissions: Admissions) -> None:
    admissions.take("p", 1, "acme", "a", MINUTE)
    assert not admissions.take("p", 1, "globex", "b", MINUTE, newcomer=True)
    admissions.free("p", "a")
    assert not admissions.take("p", 1, "acme", "c", MINUTE, newcomer=True)
    assert admissions.take("p", 1, "globex", "b", MINUTE), "its turn has come"


def test_newcomers_enter_once_the_backlog_is_empty(
    admissions: Admissions,
) -> None:
    admissions.take("p", 1, "acme", "a", MINUTE)
    admissions.take("p", 1, "globex", "b", MINUTE, newcomer=True)
    seen = pool(admissions)
    admissions.free("p", "a")
    time.sleep(0.01)
    admissions.take("p", 1, "globex", "c", MINUTE, newcomer=True)
    admissions.open_to_newcomers(seen)
    assert not admissions.take("p", 1, "globex", "d", MINUTE, newcomer=True)
    admissions.open_to_newcomers(pool(admissions))
    assert admissions.take("p", 1, "globex", "d", MINUTE, newcomer=True)


def test_paused_pool_gives_no_slot(admissions: Admissions) -> None:
    admissions.take("p", 5, "acme", "a", MINUTE)
    admissions.pause("p", 0.3)
    admissions.pause("p", 0.01)
    assert pool(admissions).paused
    assert not admissions.take("p", 5, "acme", "b", MINUTE)
    assert admissions.take("p", 5, "acme", "a", MINUTE), "who has one keeps it"
    time.sleep(0.4)
    assert not pool(admissions).paused
    assert admissions.take("p", 5, "acme", "b", MINUTE)


def test_refusals_are_counted_until_a_success(admissions: Admissions) -> None:
    admissions.answered("p")
    assert not admissions.pools("p"), "nobody has asked for it"
    for name in ("p", "p", "q"):
        admissions.pause(name, 0)
    assert pool(admissions).refusals == 2
    admissions.answered("p")
    assert [one.refusals for one in admissions.pools("p", "q")] == [0, 1]


def test_concurrent_threads_get_no_more_slots_than_exist(
    catalog: Catalog, threads: ThreadPoolExecutor
) -> None:
    def take(number: int) -> bool:
        return catalog.admissions.take("p", 20, f"p{number % 3}", str(number), MINUTE)

    assert sum(threads.map(take, range(60))) == 20
    assert len(pool(catalog.admissions).holders) == 20


def budget(project: float = 60, account: float = 60) -> Budget:
    return Budget(project_seconds=project, account_seconds=account)


def reserve(admissions: Admissions, unit: str, seconds: int, **more: Any) -> str | None:
    told = {"project": "acme", "account": "v/1", "budget": budget(), "day": DAY, **more}
    return admissions.reserve(unit, seconds=Fraction(seconds), **told)


def test_daily_limit_is_used_exactly(admissions: Admissions) -> None:
    assert reserve(admissions, "a", 40) is None
    assert reserve(admissions, "b", 21) == "project"
    assert reserve(admissions, "c", 20) is None
    assert reserve(admissions, "d", 1) == "project"
    assert admissions.used(DAY, project="acme") == 60 == admissions.used(DAY, account="v/1")
    assert admissions.used(NEXT, project="acme") == 0
    assert reserve(admissions, "d", 1, day=NEXT) is None


def test_a_unit_is_counted_once_on_whatever_day_it_asks_again(admissions: Admissions) -> None:
    for day in (DAY, DAY, NEXT):
        assert reserve(admissions, "a", 40, day=day) is None
    assert admissions.used(DAY, project="acme") == 40
    assert admissions.used(NEXT, project="acme") == 0


def test_an_account_bounds_all_projects_together(admissions: Admissions) -> None:
    assert reserve(admissions, "a", 40) is None
    assert reserve(admissions, "b", 40, project="globex") == "account"
    assert admissions.used(DAY, project="globex") == 0, "what is refused is counted nowhere"
    assert reserve(admissions, "b", 40, project="globex", account="v/2") is None


def test_returned_usage_can_be_used_once(admissions: Admissions) -> None:
    reserve(admissions, "a", 60)
    for _ in range(3):
        admissions.unreserve("a")
    assert admissions.used(DAY, project="acme") == 0 == admissions.used(DAY, account="v/1")
    assert reserve(admissions, "b", 60) is None


def test_no_limit_counts_usage_and_refuses_nothing(admissions: Admissions) -> None:
    endless = budget(float("inf"), float("inf"))
    assert reserve(admissions, "a", 10**9, budget=endless) is None
    assert admissions.used(DAY, project="acme") == 10**9


def test_limit_of_zero_refuses_paid_usage(admissions: Admissions) -> None:
    assert reserve(admissions, "a", 1, budget=budget(0)) == "project"


def _ask(uri: str, database: str, number: int, told: Any) -> None:
    """Reserve ten units of one second, each shared by two processes, and take slots for them."""
    catalog = connect(uri, database)
    try:
        for unit in range(number // 2 * 10, number // 2 * 10 + 10):
            project = f"p{unit % 3}"
            got = catalog.admissions.reserve(
                str(unit), project, "v/1", Fraction(1), budget(70, 201), DAY
            )
            slot = catalog.admissions.take("p", 20, project, str(unit), MINUTE)
            told.put((unit, got, slot))
    finally:
        catalog.close()


def test_fifty_processes_use_the_exact_limit(
    mongo_uri: str, mongo_database: str, admissions: Admissions
) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    admissions.pools()
    told = context.Queue()
    asking = [
        context.Process(target=_ask, args=(mongo_uri, mongo_database, number, told))
        for number in range(PROCESSES)
    ]
    try:
        for process in asking:
            process.start()
        answers = [told.get(timeout=120) for _ in range(PROCESSES * 10)]
    finally:
        for process in asking:
            process.join(60)
            process.kill()
    granted = {unit for unit, refused, _ in answers if refused is None}
    by_project = [len([u for u in granted if u % 3 == p]) for p in range(3)]
    assert [admissions.used(DAY, project=f"p{p}") for p in range(3)] == by_project
    assert admissions.used(DAY, account="v/1") == len(granted) == 201
    assert max(by_project) <= 70
    assert len({unit for unit, _, slot in answers if slot}) == 20
    assert len(pool(admissions).holders) == 20


def test_every_entry_names_the_project_that_it_is_about(
    admissions: Admissions, database: Database[dict[str, Any]]
) -> None:
    admissions.take("p", 1, "acme", "a", MINUTE)
    reserve(admissions, "a", 1)
    (document,) = database["pools"].find()
    assert [one["project_id"] for one in (*document["holders"], *document["served"])] == [
        *("acme", "acme")
    ]
    (reservation,) = database["reservations"].find()
    assert reservation["project_id"] == "acme"
    assert {one["project_id"] for one in database["paid_seconds"].find()} == {"acme", ""}
    for name in SHARED:
        assert all("schema_version" in one for one in database[name].find())
