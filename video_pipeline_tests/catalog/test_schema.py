"""What holds of the database itself: scoped indexes that every query uses, held types, versions."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import WriteError

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.schema import COLLECTIONS, SCHEMA_VERSION
from video_pipeline.domain.errors import CatalogError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.source import Due, Rejection, Source
from video_pipeline.domain.staleness import Current
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.work import UnitState, WorkRequest
from video_pipeline_tests.doubles.units import FULL

Documents = dict[str, Any]
SCANS = ("IXSCAN", "DISTINCT_SCAN", "COUNT_SCAN")
"""The ways of going through an index."""


@pytest.fixture
def mongo_database(fresh_database: str) -> str:
    """These tests change collections, not documents."""
    return fresh_database


@pytest.fixture
def profiled(
    catalog: Catalog, database: Database[Documents]
) -> Iterator[Callable[[], list[Documents]]]:
    """Everything that the server does from here on, as its profiler tells it."""
    catalog.project("acme")
    database.command("profile", 2)
    yield lambda: list(database["system.profile"].find({"ns": {"$not": {"$regex": "system"}}}))
    database.command("profile", 0)


def use_everything(
    half: ProjectCatalog, source: Source, media: MediaInfo, request: WorkRequest, now: datetime
) -> None:
    half.videos.register(source, now)
    half.videos.register(source.model_copy(update={"version": "2"}), now)
    half.videos.get("film")
    half.videos.listing()
    half.videos.set_sha256("film", "2", media.sha256)
    half.videos.set_media("film", media.sha256, media)
    half.videos.reject(Rejection(project="acme", object_key="k", reason="r", at=now))
    half.videos.rejections()
    half.videos.count_rejections()
    half.videos.delivered(["film"])
    half.videos.clear_rejection("k")
    half.events.record("film", Phase.SHOTS, PhaseState.RUNNING, now)
    half.events.after(0)
    half.events.last()
    shot = Marker(kind="shot", range=TimeRange.model_validate({"start": 0, "end": 1}))
    for phase in (Phase.SHOTS, Phase.SCENES, Phase.TRANSCRIPT):
        half.results.publish("film", PhaseResult(phase=phase, state=PhaseState.DONE), [shot] * 9)
    half.results.get("film", Phase.SHOTS)
    list(half.results.markers("film"))
    list(half.results.markers("film", [Phase.SHOTS]))
    list(half.results.segments("film"))
    half.results.statuses("film")
    list(half.results.all_statuses())
    use_arrivals(half, now)
    use_standings(half)
    use_units(half, request, now)


def use_arrivals(half: ProjectCatalog, now: datetime) -> None:
    arrivals = half.arrivals
    arrivals.folder()
    arrivals.rejected("", "z")
    (known,) = arrivals.known("", "z")
    arrivals.miss(known, now)
    arrivals.missing(5)
    arrivals.found(known)
    arrivals.count_due(Due.RUN)
    arrivals.archive(*arrivals.due(Due.RUN, 5), now)
    arrivals.restore(*arrivals.due(Due.ARCHIVAL, 5))
    arrivals.done(*arrivals.due(Due.RESTORATION, 5))
    arrivals.remove(known, now)
    arrivals.forget(*arrivals.due(Due.REMOVAL, 5))
    half.results.forget("nobody")


def use_standings(half: ProjectCatalog) -> None:
    half.results.count_failure("film", Phase.SHOTS, "against", "run")
    half.results.failures("film", Phase.SHOTS, "against")
    half.results.forget_failures("film", Phase.SHOTS)
    standings, current = half.standings, Current(choices=("c",))
    standings.counts()
    standings.totals()
    standings.usage()
    list(standings.in_state(PhaseState.FAILED, PhaseState.PARKED))
    standings.videos_in(PhaseState.FAILED, PhaseState.DEAD)
    standings.is_running()
    list(standings.silent(datetime.now(UTC)))
    standings.count_outdated()
    list(standings.warned())
    list(standings.outdated())
    standings.count_otherwise(Phase.SHOTS, current)
    list(standings.otherwise(Phase.SHOTS, current))
    list(standings.videos())
    list(standings.videos(["film"]))


def use_units(half: ProjectCatalog, request: WorkRequest, now: datetime) -> None:
    units = half.units
    unit = units.open(request, 0, (), now)
    units.latest(request)
    units.queue(unit.id, FULL, "pool", Fraction(9), now)
    units.backlog()
    units.queued("pool", now)
    units.queued("pool", now, 5, 9.0)
    units.explain("pool", FULL, now, over=3)
    units.number(unit, "pool")
    units.hand_over(unit.id, now)
    units.get(unit.id)
    units.claim(unit.id, "a", timedelta(minutes=1))
    units.renew(unit.id, "a", timedelta(minutes=1))
    units.release(unit.id, "a")
    unit = units.begin(unit, now, parked=False)
    units.defer(unit.id, FULL)
    units.abandoned({"cloud": now}, now)
    units.dropped(["cloud"])
    units.among([unit.id, "other"])
    unit = units.accept(unit, "j", now, now)
    units.postpone(unit.id, now)
    units.fetch_later(unit.id, now, "no answer")
    units.due(now)
    units.end(unit.id, now)
    units.ready()
    units.set_unwanted(unit.id, True)
    units.by_job("cloud", "j")
    units.of_video("film")
    units.in_state(UnitState.RUNNING)


def stages_of(stage: Documents) -> Iterator[Documents]:
    yield stage
    below = [stage["inputStage"]] if "inputStage" in stage else stage.get("inputStages", [])
    for one in below:
        yield from stages_of(one)


def test_every_query_uses_an_index_by_project(
    catalog: Catalog,
    profiled: Callable[[], list[Documents]],
    source: Callable[..., Source],
    request_for: Callable[..., WorkRequest],
    media: MediaInfo,
    now: datetime,
) -> None:
    use_everything(catalog.project("acme"), source(), media, request_for(), now)
    catalog.projects()
    planned = [told for told in profiled() if "planSummary" in told]
    assert {told["ns"].split(".")[1] for told in planned} == set(COLLECTIONS)
    for told in planned:
        if "execStats" not in told:  # of an aggregation the server tells its plans only in short
            plans = told["planSummary"].split(", IXSCAN")
            assert all(
                "SCAN { project_id: 1" in plan or "{ project_id: 1" in plan for plan in plans
            )
            assert "COLLSCAN" not in told["planSummary"]
            continue
        stages = list(stages_of(told["execStats"]))
        scans = [stage for stage in stages if stage["stage"] in SCANS]
        assert scans, told["command"]
        assert all(next(iter(scan["keyPattern"])) == "project_id" for scan in scans)
        assert not {"COLLSCAN", "SORT"}.intersection(stage["stage"] for stage in stages)


def test_every_index_begins_with_the_project(
    acme: ProjectCatalog, database: Database[Documents]
) -> None:
    for name in COLLECTIONS:
        for index, told in database[name].index_information().items():
            assert index == "_id_" or told["key"][0] == ("project_id", 1)


def test_every_document_names_its_project_and_schema(
    acme: ProjectCatalog,
    database: Database[Documents],
    source: Callable[..., Source],
    request_for: Callable[..., WorkRequest],
    media: MediaInfo,
    now: datetime,
) -> None:
    use_everything(acme, source(), media, request_for(), now)
    scoped = {"project_id": "acme", "schema_version": 1}
    for name in COLLECTIONS:
        assert database[name].count_documents({}) == database[name].count_documents(scoped)


@pytest.mark.parametrize("name", sorted(COLLECTIONS))
def test_mongodb_refuses_a_document_without_a_project(
    acme: ProjectCatalog, database: Database[Documents], name: str
) -> None:
    with pytest.raises(WriteError, match="validation"):
        database[name].insert_one({"schema_version": 1})


def test_many_may_create_the_schema_at_once(
    mongo_uri: str, mongo_database: str, threads: ThreadPoolExecutor
) -> None:
    def begin(_: int) -> int:
        catalog = connect(mongo_uri, mongo_database)
        try:
            return len(catalog.project("acme").videos.listing())
        finally:
            catalog.close()

    assert list(threads.map(begin, range(8))) == [0] * 8


def test_an_older_database_is_brought_up_to_date(
    acme: ProjectCatalog, mongo_uri: str, database: Database[Documents]
) -> None:
    database["deployment"].update_one({"_id": "schema"}, {"$set": {"version": 0}})
    database["units"].drop_indexes()
    catalog = connect(mongo_uri, database.name)
    catalog.project("acme")
    catalog.close()
    assert len(database["units"].index_information()) > 1
    recorded = database["deployment"].find_one({"_id": "schema"})
    assert recorded is not None and recorded["version"] == SCHEMA_VERSION


def test_a_database_of_a_newer_program_is_left_alone(
    acme: ProjectCatalog, mongo_uri: str, database: Database[Documents]
) -> None:
    database["deployment"].update_one({"_id": "schema"}, {"$set": {"version": 99}})
    catalog = connect(mongo_uri, database.name)
    with pytest.raises(CatalogError, match="newer"):
        catalog.project("acme")
    catalog.close()
