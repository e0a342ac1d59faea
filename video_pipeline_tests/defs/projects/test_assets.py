"""A project's tables and checks, which are logged when they have changed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.defs.partitions import PROJECTS_NAME
from video_pipeline.defs.projects import assets as projects_room
from video_pipeline.defs.projects.assets import QUIET_SECONDS, check_name, project, projects
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import SERVED, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.source import Rejection
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.status.overview import SHOWN
from video_pipeline.plugins import registry
from video_pipeline_tests.defs.conftest import NOW, TALK
from video_pipeline_tests.defs.opened import Opened

Tick = Callable[[], list[Any]]


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
    found = [e for e in events if isinstance(e, dg.AssetMaterialization) and e.partition == name]
    return dict(found[0].metadata) if found else None


def rows(metadata: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [dict(record.data) for record in metadata[name].records]


def fail(catalog: Catalog, project: str, state: PhaseState = PhaseState.FAILED) -> None:
    catalog.project(project).events.record(
        "talk", Phase.SHOTS, state, NOW, provider="vendor", message="refused. Choose another."
    )


@pytest.mark.usefixtures("only_bounded_queries")
def test_projects_does_not_read_all_keys(tick: Tick) -> None:
    assert of_project(tick(), "acme") is not None


def test_tables_show_errors_and_rejections(tick: Tick, catalog: Catalog) -> None:
    fail(catalog, "acme", PhaseState.DEAD)
    catalog.project("acme").events.record(
        "talk", Phase.TRANSCRIPT, PhaseState.PARKED, NOW, provider="vendor", message="job 7"
    )
    key = "projects/acme/videos/x/notes.txt"
    catalog.project("acme").videos.reject(
        Rejection(project="acme", object_key=key, reason="no video", at=NOW)
    )
    found = of_project(tick(), "acme")
    assert found is not None
    assert [found[n].value for n in ("videos", "parked", "failed", "stale")] == [1, 1, 1, 0]
    assert {row["phase"]: row["dead"] for row in rows(found, "phases")}["shots"] == 1
    (parked,) = rows(found, "parked work")
    assert (parked["provider"], parked["since"]) == ("vendor", "2026-11-23 12:00:00")
    (error,) = rows(found, "errors")
    assert (error["video"], error["state"], error["what"]) == (
        *("talk", "dead", "refused. Choose another."),
    )
    assert rows(found, "rejected")[0]["reason"] == "no video"


def test_tables_count_work_units(
    tick: Tick, catalog: Catalog, job_of: Callable[..., WorkUnit]
) -> None:
    job_of(phases=(Phase.OBJECTS,))
    catalog.project("acme").events.record("talk", Phase.SHOTS, PhaseState.PARKED, NOW)
    found = of_project(tick(), "acme")
    assert found is not None
    units = next(row for row in rows(found, "work units") if row["state"] == "running")
    assert (units["provider"], units["units"]) == ("vendor", 2), "one runs from the start"
    assert "2 requests, paid" in units["planned"]


def test_tables_show_usage_by_meter(tick: Tick, catalog: Catalog, stage: Opened) -> None:
    units = catalog.project("acme").units
    (unit,) = units.of_video("talk")
    units.finish(unit, UnitState.SETTLED, NOW, used=unit.planned)
    found = of_project(tick(), "acme")
    assert found is not None
    assert rows(found, "used so far") == [
        {
            "provider": "vendor",
            "meter": "requests",
            "quantity": 1.0,
            "paid": "yes",
            "measured": "derived",
        }
    ]


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
    assert [found[name].value for name in ("videos", "removed", "failed")] == [0, 1, 0]
    (record,) = acme.videos.listing()
    acme.results.forget("talk")
    assert acme.arrivals.forget(record) and catalog.projects() == ["globex"]
    found = of_project(tick(), "acme")
    assert found is not None
    assert [found[name].value for name in ("videos", "removed", "failed")] == [0, 0, 0]
    assert tick() == []


def test_tables_are_not_logged_too_often(tick: Tick, catalog: Catalog) -> None:
    tick()
    fail(catalog, "acme")
    assert tick(10) == []
    assert of_project(tick(), "acme") is not None


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
    monkeypatch.setattr(projects_room, "SECONDS_A_TICK", -1)
    assert of_project(tick(), "acme") is not None
    assert of_project(tick(), "globex") is not None
    for name in ("acme", "globex"):
        fail(catalog, name)
    assert [e.partition for e in tick()] == ["acme"]
    assert [e.partition for e in tick()] == ["globex"]


def test_check_names_some_projects_and_counts_others() -> None:
    by_project = {f"p{number}": 1 for number in range(SHOWN + 7)} | {"most": 9}
    told = projects_room._evaluation(Phase.SHOTS, by_project)
    assert told.description is not None
    assert told.description.startswith(f"stale: {SHOWN + 16}, by project {{most: 9, ")
    assert told.description.endswith(", and 8 more}")


def test_check_is_not_logged_too_often(tick: Tick, stage: Opened, catalog: Catalog) -> None:
    tick()
    stale(stage, catalog, "acme")
    assert tick(10) == []
    stale(stage, catalog, "globex")
    told = [e.description for e in tick() if isinstance(e, dg.AssetCheckEvaluation)]
    assert told == ["stale: 2, by project {acme: 1, globex: 1}"]


def test_project_can_be_materialized_by_hand(
    tick: Tick, stage: Opened, instance: dg.DagsterInstance, catalog: Catalog
) -> None:
    fail(catalog, "globex")
    ended = dg.materialize(
        [project], partition_key="globex", instance=instance, resources={"pipeline": stage}
    )
    (made,) = ended.asset_materializations_for_node("project")
    assert made.partition == "globex" and made.metadata["failed"].value == 1
    assert {e.check_name for e in ended.get_asset_check_evaluations()} == set(
        map(check_name, SERVED)
    )
