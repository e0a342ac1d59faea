"""The jobs `cancel_work` and `fetch_again`, for one project, video or unit only."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.dagster_api.tags import HELD_TAG, UNITS_TAG, WAITING
from video_pipeline.definitions import build_defs
from video_pipeline.defs.partitions import PROJECTS_NAME
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.settings import load_settings
from video_pipeline_tests.defs.conftest import NOW, ROOT, TALK
from video_pipeline_tests.defs.opened import Opened, result_of
from video_pipeline_tests.defs.parked.completing import queued
from video_pipeline_tests.servers.webserver_here import webserver_here

OTHERS = VideoKey.parse("globex/talk")


@pytest.fixture(autouse=True)
def settings(stage: Opened) -> None:
    stage.settings = load_settings(ROOT / "pipeline.yaml", {})


@pytest.fixture
def units(job_of: Callable[..., WorkUnit], catalog: Catalog) -> tuple[WorkUnit, WorkUnit]:
    """Return a running job of each of two projects."""
    return job_of(), job_of(OTHERS)


@pytest.fixture
def run_job(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Callable[..., Any]:
    """Run a job of acme and return its result."""
    instance.add_dynamic_partitions(PROJECTS_NAME, ["acme", "globex"])

    def run_job(job: str, step: str, **config: Any) -> dict[str, Any]:
        return result_of(definitions, instance, job, step, config)

    return run_job


def now_of(catalog: Catalog, unit: WorkUnit) -> WorkUnit:
    found = catalog.project(unit.request.key.project).units.get(unit.id)
    assert found is not None
    return found


def test_cancel_preview_cancels_nothing(
    run_job: Callable[..., Any], units: tuple[WorkUnit, WorkUnit], catalog: Catalog
) -> None:
    shown = run_job("cancel_work", "cancel_units")
    (row,) = shown["work units"].records
    assert (row.data["unit"], row.data["what"]) == (units[0].id, "running")
    assert shown["result"] == "1 work unit: preview, nothing cancelled"
    assert shown["planned"] == "1 request, paid"
    assert [now_of(catalog, unit) for unit in units] == list(units)


def test_cancel_ends_units_and_held_runs_of_a_project(
    run_job: Callable[..., Any],
    units: tuple[WorkUnit, WorkUnit],
    catalog: Catalog,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    stage: Opened,
) -> None:
    held = queued(definitions, instance, {HELD_TAG: WAITING, UNITS_TAG: units[0].id})
    with webserver_here(instance) as address:
        known = {"VIDEO_PIPELINE_WEBSERVER": address}
        stage.settings = load_settings(ROOT / "pipeline.yaml", known)
        shown = run_job("cancel_work", "cancel_units", preview=False)
    (row,) = shown["work units"].records
    assert "no longer in pipeline.yaml" in row.data["what"]
    assert now_of(catalog, units[0]).state is UnitState.CANCELLED
    assert now_of(catalog, units[1]) == units[1]
    run = instance.get_run_by_id(held.run_id)
    assert run is not None and run.status is dg.DagsterRunStatus.CANCELED


def test_cancel_refuses_a_unit_of_another_project(
    run_job: Callable[..., Any], units: tuple[WorkUnit, WorkUnit], catalog: Catalog
) -> None:
    with pytest.raises(Exception, match="no such work unit of acme"):
        run_job("cancel_work", "cancel_units", unit=units[1].id, preview=False)
    assert now_of(catalog, units[1]) == units[1]


def test_fetch_looks_up_running_jobs_of_a_video(
    run_job: Callable[..., Any], job_of: Callable[..., WorkUnit], catalog: Catalog
) -> None:
    mine, other = job_of(), job_of(VideoKey.parse("acme/other"))
    shown = run_job("fetch_again", "fetch_units", video=TALK.video)
    assert [row.data["unit"] for row in shown["work units"].records] == [mine.id]
    soon = now_of(catalog, mine).due_at
    assert soon is not None and mine.due_at is not None and soon < mine.due_at
    assert now_of(catalog, other) == other


def test_fetch_shows_the_error_of_a_settled_unit(
    run_job: Callable[..., Any], units: tuple[WorkUnit, WorkUnit], catalog: Catalog
) -> None:
    acme = catalog.project("acme")
    acme.units.finish(units[0], UnitState.SETTLED, NOW, used=())
    told: dict[str, Any] = {"provider": "vendor", "message": "unreadable"}
    acme.events.record(TALK.video, Phase.TRANSCRIPT, PhaseState.FAILED, NOW, **told)
    shown = run_job("fetch_again", "fetch_units")
    (row,) = shown["work units"].records
    assert row.data["unit"] == units[0].id
    assert "nothing can be fetched" in row.data["what"], "no provider here"


def test_jobs_are_not_retried() -> None:
    definitions = build_defs(load_settings(ROOT / "pipeline.yaml", {}))
    for name in ("cancel_work", "fetch_again"):
        assert definitions.resolve_job_def(name).tags["dagster/max_retries"] == "0"
