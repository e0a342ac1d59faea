"""Tables and checks of projects, and their overview, are logged when they have changed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.defs.partitions import PROJECTS_NAME
from video_pipeline.defs.projects import sensor as sensor_room
from video_pipeline.defs.projects.assets import OVERVIEW_EVERY
from video_pipeline.defs.projects.sensor import INTERVAL_SECONDS, QUIET_SECONDS, projects
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.source import Rejection, Source
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline.pipeline.jobs.queries import quantity_of
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.plugins import registry
from video_pipeline_tests.defs.conftest import NOW, TALK
from video_pipeline_tests.defs.opened import Opened
from video_pipeline_tests.doubles.units import bring_to

Tick = Callable[..., list[Any]]


@pytest.fixture
def tick(stage: Opened, instance: dg.DagsterInstance, catalog: Catalog, job_of: Any) -> Tick:
    """Return a tick some seconds later: by default, late enough to log a project again."""
    other = VideoKey.parse("globex/talk")
    job_of(TALK)
    job_of(other)
    instance.add_dynamic_partitions(PROJECTS_NAME, ["acme", "globex"])
    cursor, now = "", NOW

    def tick(seconds: float = QUIET_SECONDS + 1) -> list[Any]:
        nonlocal cursor, now
        now += timedelta(seconds=seconds)
        stage.services = replace(stage.services, clock=lambda: now)
        resources = {"pipeline": stage}
        context = dg.build_sensor_context(
            instance=instance, resources=resources, cursor=cursor or None
        )
        result = projects(context)
        assert isinstance(result, dg.SensorResult)
        cursor = result.cursor or ""
        return list(result.asset_events)

    return tick


def of_project(events: list[Any], name: str) -> dict[str, Any] | None:
    found = [dict(e.metadata) for e in tables(events) if e.partition == name]
    return found[0] if found else None


def tables(events: list[Any]) -> list[dg.AssetMaterialization]:
    """Return the events of projects, without the overview's."""
    found = [e for e in events if isinstance(e, dg.AssetMaterialization)]
    return [e for e in found if e.asset_key == dg.AssetKey("project")]


def overviews(events: list[Any]) -> list[dict[str, Any]]:
    keys = [getattr(e, "asset_key", None) for e in events]
    return [
        dict(e.metadata)
        for e, key in zip(events, keys, strict=True)
        if key == dg.AssetKey("overview")
    ]


def rows(metadata: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [dict(record.data) for record in metadata[name].records]


def fail(catalog: Catalog, project: str, state: PhaseState = PhaseState.FAILED) -> None:
    catalog.project(project).events.record(
        "talk", Phase.SHOTS, state, NOW, provider="vendor", message="refused. Choose another."
    )


@pytest.mark.usefixtures("only_bounded_queries")
def test_projects_does_not_read_all_keys(tick: Tick) -> None:
    assert of_project(tick(), "acme") is not None


def test_tables_show_who_needs_a_person_first(tick: Tick, catalog: Catalog) -> None:
    acme = catalog.project("acme")
    fail(catalog, "acme", PhaseState.DEAD)
    acme.events.record(
        "talk", Phase.TRANSCRIPT, PhaseState.PARKED, NOW, provider="vendor", message="job 7"
    )
    key = "projects/acme/videos/x/notes.txt"
    acme.videos.reject(Rejection(project="acme", object_key=key, reason="no video", at=NOW))
    found = of_project(tick(), "acme")
    assert found is not None
    assert list(found)[:3] == ["summary", "needs you", "phases"]
    assert found["summary"].value == "1 of 1 video needs you, 1 file rejected"
    assert rows(found, "needs you") == [
        {
            "video": "v.mp4 (acme/talk)",
            "state": "shots dead since 2026-11-23 12:00:00 UTC",
            "reason": "refused. Choose another.",
            "command": "video-pipeline revive acme/talk",
        }
    ]
    assert [found[n].value for n in ("videos", "parked", "need you", "stale")] == [1, 1, 1, 0]
    assert {row["phase"]: row["needs you"] for row in rows(found, "phases")}["shots"] == 1
    (parked,) = rows(found, "parked work")
    assert (parked["video"], parked["provider"]) == ("v.mp4", "vendor")
    assert rows(found, "rejected files")[0]["reason"] == "no video"


@pytest.mark.parametrize("failed", [True, False])
def test_unit_in_doubt_needs_a_person(tick: Tick, catalog: Catalog, failed: bool) -> None:
    units = catalog.project("acme").units
    (unit,) = units.of_video("talk")
    doubted = bring_to(units, units.open(asked(unit), 0, (), NOW), UnitState.IN_DOUBT, NOW)
    if failed:
        fail(catalog, "acme")
    events = tick()
    found = of_project(events, "acme")
    assert found is not None and found["summary"].value == "1 of 1 video needs you"
    (row,) = rows(found, "needs you")
    assert row["command"] == f"video-pipeline jobs release {doubted.id}"
    assert row["state"].partition(" since ")[0] == (
        "shots failed" if failed else "transcript in doubt"
    )
    other = of_project(events, "globex")
    assert other is not None and other["summary"].value == "0 of 1 video needs you"


def asked(unit: WorkUnit) -> WorkRequest:
    return unit.request.model_copy(update={"operation": "another"})


def test_names_of_others_are_cells_of_text(tick: Tick, catalog: Catalog, job_of: Any) -> None:
    name = f"<img src=x> **b** | [a](http://x) \u202e'\"\n{'y' * 200}"
    source = Source(key=VideoKey.parse("acme/odd"), object_key="k", name=name, version="1", size=1)
    acme = catalog.project("acme")
    acme.videos.register(source, NOW)
    acme.events.record("odd", Phase.SHOTS, PhaseState.FAILED, NOW, message=f"refused {name}")
    found = of_project(tick(), "acme")
    assert found is not None
    (row,) = rows(found, "needs you")
    shown = name.replace("\u202e", "\\u202e").replace("\n", "\\n")
    assert (row["video"], row["reason"]) == (f"{shown}/k (acme/odd)", f"refused {shown}")
    assert not any(isinstance(value, dg.MarkdownMetadataValue) for value in found.values())


def test_tables_count_work_units(
    tick: Tick, catalog: Catalog, job_of: Callable[..., WorkUnit]
) -> None:
    job_of(phases=(Phase.OBJECTS,))
    catalog.project("acme").events.record("talk", Phase.SHOTS, PhaseState.PARKED, NOW)
    found = of_project(tick(), "acme")
    assert found is not None
    units = next(row for row in rows(found, "work units") if row["state"] == "running")
    assert (units["provider"], units["units"]) == ("vendor", 2), "one runs from the start"
    assert "requests" in units["planned"]
    assert units["command"] == "video-pipeline jobs --project acme --state running"


def test_tables_show_usage_by_meter(tick: Tick, catalog: Catalog, stage: Opened) -> None:
    units = catalog.project("acme").units
    (unit,) = units.of_video("talk")
    units.finish(unit, UnitState.SETTLED, NOW, used=unit.planned)
    found = of_project(tick(), "acme")
    assert found is not None
    (used,) = rows(found, "used so far")
    assert (used["provider"], used["measured"]) == ("vendor", "derived")
    assert used["used"] == quantity_of(unit.planned)


def test_unchanged_tables_are_not_logged_again(tick: Tick, catalog: Catalog) -> None:
    assert of_project(tick(), "acme") is not None
    assert tick() == []
    fail(catalog, "acme")
    events = tick()
    assert of_project(events, "acme") is not None and of_project(events, "globex") is None


def test_project_without_videos_is_logged_once(tick: Tick, catalog: Catalog) -> None:
    fail(catalog, "acme")
    assert of_project(tick(), "acme") is not None
    acme = catalog.project("acme")
    (known,) = acme.arrivals.known("projects/acme/", "projects/acme0")
    acme.arrivals.remove(known, NOW)
    found = of_project(tick(), "acme")
    assert found is not None
    assert [found[name].value for name in ("videos", "removed", "need you")] == [0, 1, 0]
    (record,) = acme.videos.listing()
    acme.results.forget("talk")
    assert acme.arrivals.forget(record) and catalog.projects() == ["globex"]
    found = of_project(tick(), "acme")
    assert found is not None
    assert [found[name].value for name in ("videos", "removed", "need you")] == [0, 0, 0]
    assert tick() == []


def test_last_change_is_logged_at_the_next_tick(tick: Tick, catalog: Catalog) -> None:
    tick()
    fail(catalog, "acme")
    assert of_project(tick(INTERVAL_SECONDS), "acme") is not None
    fail(catalog, "acme", PhaseState.DEAD)
    assert of_project(tick(INTERVAL_SECONDS), "acme") is not None


def test_tables_of_running_phases_are_logged_each_minute(tick: Tick, catalog: Catalog) -> None:
    events = catalog.project("acme").events
    tick()
    logged = 0
    for _ in range(8):
        for phase in (Phase.AUDIO, Phase.OBJECTS):
            events.record("talk", phase, PhaseState.RUNNING, NOW)
            fail(catalog, "acme", PhaseState.FAILED if logged % 2 else PhaseState.DEAD)
        logged += of_project(tick(INTERVAL_SECONDS), "acme") is not None
    assert logged == 4
    for phase in (Phase.AUDIO, Phase.OBJECTS):
        events.record("talk", phase, PhaseState.DONE, NOW)
    found = of_project(tick(1), "acme")
    assert found is not None and {r["at work"] for r in rows(found, "phases")} == {0}


def test_percent_of_a_phase_is_no_change(tick: Tick, catalog: Catalog) -> None:
    events = catalog.project("acme").events
    events.record("talk", Phase.SHOTS, PhaseState.RUNNING, NOW)
    tick()
    events.record("talk", Phase.SHOTS, PhaseState.RUNNING, NOW, percent=50)
    assert tick() == []


def test_overview_counts_by_project(tick: Tick, catalog: Catalog) -> None:
    fail(catalog, "globex")
    (found,) = overviews(tick())
    assert found["summary"].value == "1 of 2 videos needs you, in 2 projects"
    assert [(row["project"], row["need you"]) for row in rows(found, "projects")] == [
        ("globex", 1),
        ("acme", 0),
    ]
    assert overviews(tick()) == []
    fail(catalog, "acme")
    (found,) = overviews(tick(INTERVAL_SECONDS))
    assert found["need you"].value == 2


def test_overview_follows_each_table(tick: Tick, catalog: Catalog) -> None:
    fail(catalog, "globex")
    tick()
    catalog.project("globex").events.record(
        "talk", Phase.SHOTS, PhaseState.FAILED, NOW, message="another reason"
    )
    keys = [e.asset_key.to_user_string() for e in tick(INTERVAL_SECONDS)]
    assert keys == ["project", "overview"], "the last is what was made from the others"


def test_overview_is_logged_each_hour_as_a_sign(tick: Tick) -> None:
    assert len(overviews(tick())) == 1
    assert tick() == []
    (sign,) = tick(OVERVIEW_EVERY.total_seconds())
    assert sign.asset_key == dg.AssetKey("overview")


def test_overview_has_projects_without_a_partition(tick: Tick, catalog: Catalog) -> None:
    key = "projects/hidden/videos/x/notes.txt"
    one = Rejection(project="hidden", object_key=key, reason="no video", at=NOW)
    catalog.project("hidden").videos.reject(one)
    events = tick()
    assert of_project(events, "hidden") is None
    (found,) = overviews(events)
    assert {row["project"]: row["rejected"] for row in rows(found, "projects")}["hidden"] == 1
    assert found["summary"].value == "0 of 2 videos need you, 1 file rejected, in 3 projects"


def stale(stage: Opened, catalog: Catalog, project: str) -> None:
    """The shots of a project's video were made by another choice."""
    cuts = registry.create("pyscenedetect", {})
    origin = Provenance(
        provider="vendor",
        plugin="vendor",
        version="1",
        choice="c" * 16,
        content="0" * 64,
        started_at=NOW,
        ended_at=NOW,
    )
    made = PhaseResult(phase=Phase.SHOTS, state=PhaseState.DONE, provenance=origin)
    catalog.project(project).results.publish("talk", made)
    choices = Choices(phases={Phase.SHOTS: PhaseChoice(providers=("cuts",))})
    stage.services = replace(stage.services, choices=choices, plugins={"cuts": cuts})


def test_changed_choice_is_one_event_a_phase(tick: Tick, stage: Opened, catalog: Catalog) -> None:
    stale(stage, catalog, "acme")
    first = [e for e in tick() if isinstance(e, dg.AssetCheckEvaluation)]
    assert {e.check_name: e.passed for e in first if not e.passed} == {
        "choice_current_shots": False
    }
    (shots,) = [e for e in first if e.check_name == "choice_current_shots"]
    assert shots.description == "stale: 1, by project {acme: 1}"
    assert shots.severity is dg.AssetCheckSeverity.WARN and shots.partition is None
    assert [e for e in tick() if isinstance(e, dg.AssetCheckEvaluation)] == []


def test_projects_read_longest_ago_come_first(
    tick: Tick, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensor_room, "SECONDS_A_TICK", -1)
    assert of_project(tick(), "acme") is not None
    assert of_project(tick(), "globex") is not None
    for name in ("acme", "globex"):
        fail(catalog, name)
    assert [e.partition for e in tables(tick())] == ["acme"]
    assert [e.partition for e in tables(tick())] == ["globex"]


def test_check_is_not_logged_too_often(tick: Tick, stage: Opened, catalog: Catalog) -> None:
    tick()
    stale(stage, catalog, "acme")
    assert [e for e in tick(10) if isinstance(e, dg.AssetCheckEvaluation)] == []
    stale(stage, catalog, "globex")
    told = [e.description for e in tick() if isinstance(e, dg.AssetCheckEvaluation)]
    assert told == ["stale: 2, by project {acme: 1, globex: 1}"]
