"""A database of an earlier schema is brought up to date before anything is asked of it."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import WriteError

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.domain.errors import UpgradeBlocked
from video_pipeline.domain.phases import MADE_FROM, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.staleness import outdated
from video_pipeline.domain.work import UnitState, WaitKind

TENANTS = ("acme", "globex")
SOON = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
def older(
    catalog: Catalog, source, now: datetime, mongo_uri: str, database: Database[dict[str, Any]]
):
    """Of two tenants a video whose shots were made before the timeline; of the first also one
    whose shots were made after it. As the first schema kept them."""
    for project, video in (*((name, "film") for name in TENANTS), ("acme", "later")):
        half = catalog.project(project)
        half.videos.register(source(video, project), now)
        shots = 3 if video == "later" else 0
        for minute, phase in enumerate((Phase.SOURCE_VIDEO, Phase.TIMELINE, Phase.EXPORTS), 1):
            half.results.publish(video, made(phase, now + timedelta(minutes=minute)))
        half.results.publish(video, made(Phase.SHOTS, now + timedelta(minutes=shots), "torn"))
    lacking = ("fingerprint", "outdated", "warned", "result.provenance.inputs")
    database["phases"].update_many({}, {"$unset": dict.fromkeys(lacking, "")})
    database["deployment"].update_one({"_id": "schema"}, {"$set": {"version": 1}})
    newer = connect(mongo_uri, database.name)
    yield newer
    newer.close()


def made(phase: Phase, at: datetime, *warnings: str) -> PhaseResult:
    origin = Provenance(
        provider="p",
        plugin="p",
        version="1",
        choice="c",
        content="a" * 64,
        started_at=at,
        ended_at=at,
    )
    return PhaseResult(phase=phase, state=PhaseState.DONE, provenance=origin, warnings=warnings)


def test_outdated_compares_inputs_with_current_results(
    older: Catalog,
) -> None:
    assert list(older.project("acme").standings.outdated()) == ["later"]
    assert list(older.project("globex").standings.outdated()) == []


def test_warnings_are_found_again(older: Catalog) -> None:
    warned = list(older.project("globex").standings.warned())
    assert warned == [("film", Phase.SHOTS, ("torn",))]


def test_new_timeline_after_upgrade_is_not_stale(older: Catalog, now: datetime) -> None:
    results = older.project("acme").results
    shots = results.get("later", Phase.SHOTS)
    assert shots is not None
    timeline = made(Phase.TIMELINE, now + timedelta(hours=1))
    assert timeline.provenance is not None
    origin = timeline.provenance.model_copy(update={"inputs": {Phase.SHOTS: shots.fingerprint}})
    results.publish("later", timeline.model_copy(update={"provenance": origin}))
    assert older.project("acme").standings.count_outdated() == {Phase.EXPORTS: 1}


# Of schema 4: state, its flags and fields; of today: state, wait, refusals and failed fetches.
OLD_ROWS: list[tuple[str, dict[str, Any], UnitState, WaitKind | None, int, int]] = [
    ("intent", {}, UnitState.PLANNED, None, 0, 0),
    ("intent", {"waiting": "no room", "waits_in": "p"}, UnitState.QUEUED, WaitKind.SLOT, 0, 0),
    (
        "intent",
        {"waiting": "waits: no answer (tried 2 times)", "waits_in": "p", "untaken": 2}
        | {"poll_at": SOON},
        *(UnitState.QUEUED, WaitKind.PROVIDER, 2, 0),
    ),
    ("intent", {"ready": True}, UnitState.ADMITTED, None, 0, 0),
    ("submitting", {}, UnitState.SUBMITTING, None, 0, 0),
    (
        "submitting",
        {"waiting": "silent", "untaken": 1, "poll_at": SOON},
        *(UnitState.UNANSWERED, WaitKind.PROVIDER, 1, 0),
    ),
    ("submitting", {"ready": True, "untaken": 9}, UnitState.RETURNED, None, 9, 0),
    ("running", {"poll_at": SOON}, UnitState.RUNNING, WaitKind.JOB, 0, 0),
    ("running", {"ready": True, "unfetched": 3}, UnitState.ENDED, None, 0, 3),
    (
        "running",
        {"waiting": "not fetched: no right. It is retried", "unfetched": 2, "poll_at": SOON},
        *(UnitState.UNFETCHED, WaitKind.RESULT, 0, 2),
    ),
    ("in_doubt", {"poll_at": SOON}, UnitState.IN_DOUBT, None, 0, 0),
    ("settled", {}, UnitState.SETTLED, None, 0, 0),
    ("failed", {"untaken": 4}, UnitState.FAILED, None, 4, 0),
    ("cancelled", {}, UnitState.CANCELLED, None, 0, 0),
]


@pytest.fixture
def old_row(catalog: Catalog, request_for, now: datetime, database: Database[dict[str, Any]]):
    """Return a function that writes a unit as schema 4 kept it."""

    def write(project: str, video: str, state: str, **fields: Any) -> str:
        unit = catalog.project(project).units.open(request_for(video, project=project), 0, (), now)
        old = {"state": state, "waiting": "", "ready": False, "poll_at": None, "holder": None}
        old |= {"untaken": 0, "unfetched": 0, "leased_until": None, **fields}
        new = dict.fromkeys(("wait", "refusals", "fetch_failures"), "")
        database["units"].update_one(
            {"id": unit.id}, {"$set": old, "$unset": new}, bypass_document_validation=True
        )
        database["deployment"].update_one({"_id": "schema"}, {"$set": {"version": 4}})
        return unit.id

    return write


def test_states_of_schema_4_are_mapped(old_row, mongo_uri: str, database) -> None:
    for number, (state, fields, *_) in enumerate(OLD_ROWS):
        for project in TENANTS:
            old_row(project, f"v{number}", state, **fields)
    with closing(connect(mongo_uri, database.name)) as upgraded:
        for project in TENANTS:
            for number, (_, fields, *expected) in enumerate(OLD_ROWS):
                (unit,) = upgraded.project(project).units.of_video(f"v{number}")
                kind = unit.wait.kind if unit.wait else None
                assert [unit.state, kind, unit.refusals, unit.fetch_failures] == expected
                assert unit.due_at == (fields.get("poll_at") if kind else None)
            for video, scope, words in (("v2", "cloud", "no answer"), ("v9", "cloud", "no right.")):
                (unit,) = upgraded.project(project).units.of_video(video)
                assert unit.wait and (unit.wait.scope, unit.wait.detail) == (scope, words)
        assert not {"ready", "waiting", "poll_at", "untaken"} & set(
            database["units"].find_one({}) or {}
        )


def test_program_of_schema_4_can_no_longer_write(old_row, mongo_uri: str, database) -> None:
    unit = old_row("acme", "film", "intent")
    with closing(connect(mongo_uri, database.name)) as upgraded:
        assert upgraded.projects() == []
        for change in ({"state": "intent"}, {"waiting": ""}, {"ready": True}):
            with pytest.raises(WriteError):
                database["units"].update_one({"id": unit}, {"$set": change})


def test_upgrade_waits_for_processes_of_the_earlier_version(
    old_row, mongo_uri: str, database
) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=1)
    unit = old_row("acme", "film", "submitting", holder="old", leased_until=soon)
    with (
        closing(connect(mongo_uri, database.name)) as blocked,
        pytest.raises(UpgradeBlocked, match="1 work units"),
    ):
        blocked.projects()
    assert database["units"].find_one({"id": unit, "state": "submitting", "ready": False})


def test_lease_of_a_wrong_clock_does_not_block_the_upgrade(
    old_row, mongo_uri: str, database
) -> None:
    unit = old_row("acme", "film", "submitting", holder="old", leased_until=SOON)
    with closing(connect(mongo_uri, database.name)) as upgraded:
        units = upgraded.project("acme").units
        assert units.claim(unit, "new", timedelta(minutes=1)) is not None


FINISHED = (Phase.SOURCE_VIDEO, Phase.SHOTS, Phase.TIMELINE, Phase.EXPORTS)


@pytest.fixture
def of_schema_5(catalog: Catalog, source, now: datetime, database: Database[dict[str, Any]]):
    """Of two tenants a finished video as schema 5 kept it, made from a phase that is gone."""
    for project in TENANTS:
        half = catalog.project(project)
        half.videos.register(source("film", project), now)
        for phase in (Phase.SHOTS, Phase.PICTURES):
            half.events.record("film", phase, PhaseState.RUNNING, now)
        inputs = {Phase.SHOTS: "", Phase.PICTURES: ""}
        for phase in (*FINISHED[:2], Phase.PICTURES, *FINISHED[2:]):
            used = {one: inputs.get(one, "") for one in MADE_FROM.get(phase, ()) if one in inputs}
            one = made(phase, now)
            assert one.provenance is not None
            origin = one.provenance.model_copy(update={"inputs": used})
            one = one.model_copy(update={"provenance": origin})
            half.results.publish("film", one)
            inputs[phase] = one.fingerprint
    gone = {"$set": {"phase": "thumbnails", "result.phase": "thumbnails"}}
    database["phases"].update_many(PICTURES, gone, bypass_document_validation=True)
    database["events"].update_many(
        PICTURES, {"$set": {"phase": "thumbnails"}}, bypass_document_validation=True
    )
    renamed = {f"{INPUTS}.pictures": f"{INPUTS}.thumbnails"}
    database["phases"].update_many({"phase": "timeline"}, {"$rename": renamed})
    database["deployment"].update_one({"_id": "schema"}, {"$set": {"version": 5}})
    return database


PICTURES = {"phase": "pictures"}
INPUTS = "result.provenance.inputs"


@pytest.mark.parametrize("times", [1, 2])
def test_finished_video_only_lacks_pictures(of_schema_5, mongo_uri: str, times: int) -> None:
    for _ in range(times):
        version = {"$set": {"version": 5}}
        of_schema_5["deployment"].update_one({"_id": "schema"}, version)
        with closing(connect(mongo_uri, of_schema_5.name)) as upgraded:
            upgraded.projects()
    with closing(connect(mongo_uri, of_schema_5.name)) as upgraded:
        for project in TENANTS:
            half = upgraded.project(project)
            (standing,) = half.standings.videos()
            assert set(standing.made) == set(FINISHED)
            assert list(half.standings.outdated()) == []
            assert not [p for p in FINISHED if outdated(p, standing.made)]
            assert half.results.get("film", Phase.TIMELINE) is not None
            assert [event.phase for event in half.events.after(0)] == [Phase.SHOTS]
            assert half.events.last() == 2


def test_killed_upgrade_is_repeated(of_schema_5, mongo_uri: str, monkeypatch) -> None:
    """It ends after the exports were written, before the timeline."""
    write = Collection.bulk_write

    def killed(collection: Any, changes: list[Any], **options: Any) -> None:
        assert changes[0]._doc["$set"]["result"]["phase"] == "exports"
        write(collection, changes[:1], **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Collection, "bulk_write", killed)
    with closing(connect(mongo_uri, of_schema_5.name)) as dying, pytest.raises(KeyboardInterrupt):
        dying.projects()
    monkeypatch.undo()
    with closing(connect(mongo_uri, of_schema_5.name)) as upgraded:
        for project in TENANTS:
            assert list(upgraded.project(project).standings.outdated()) == []


def test_program_of_schema_5_cannot_write_its_phase(of_schema_5, mongo_uri: str) -> None:
    with closing(connect(mongo_uri, of_schema_5.name)) as upgraded:
        upgraded.projects()
    for name in ("phases", "events"):
        with pytest.raises(WriteError):
            of_schema_5[name].update_one({"phase": "shots"}, {"$set": {"phase": "thumbnails"}})


def test_upgrade_waits_for_a_leased_unit_of_schema_5(
    of_schema_5, catalog: Catalog, request_for, now: datetime, mongo_uri: str
) -> None:
    units = catalog.project("acme").units
    unit = units.open(request_for("film", project="acme"), 0, (), now)
    assert units.claim(unit.id, "old", timedelta(minutes=1)) is not None
    with (
        closing(connect(mongo_uri, of_schema_5.name)) as blocked,
        pytest.raises(UpgradeBlocked, match="1 work units"),
    ):
        blocked.projects()
    units.release(unit.id, "old")
    with closing(connect(mongo_uri, of_schema_5.name)) as upgraded:
        assert upgraded.projects() == [*TENANTS]
