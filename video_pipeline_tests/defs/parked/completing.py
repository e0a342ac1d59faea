"""Ticks of the sensor of completions, and the units and runs before and after."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import dagster as dg

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.dagster_api.tags import HELD_TAG
from video_pipeline.definitions import build_defs
from video_pipeline.defs.parked.sensor import completions
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.work import WorkUnit
from video_pipeline.settings import load_settings
from video_pipeline_tests.defs.opened import LAUNCHED_FROM, Opened

_ROOT = Path(__file__).resolve().parents[3]
KEY = VideoKey.parse("acme/talk")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def ended(catalog: Catalog, unit: WorkUnit) -> WorkUnit:
    """Mark the unit as one whose job has ended."""
    catalog.project(unit.request.key.project).units.end(unit.id, NOW)
    return unit


def tick(stage: Opened, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    """Return the runs that one tick requests."""
    result = completions(_context(stage, instance))
    return list(result.run_requests or ()) if isinstance(result, dg.SensorResult) else []


def told(stage: Opened, instance: dg.DagsterInstance) -> str:
    """Return the message of one tick that requests no run."""
    result = completions(_context(stage, instance))
    assert isinstance(result, dg.SkipReason)
    return result.skip_message or ""


def _context(stage: Opened, instance: dg.DagsterInstance) -> dg.SensorEvaluationContext:
    return dg.build_sensor_context(
        instance=instance, repository_def=_repository(), resources={"pipeline": stage}
    )


@cache
def _repository() -> dg.RepositoryDefinition:
    """Return the definitions of the checkout's pipeline.yaml."""
    return build_defs(load_settings(_ROOT / "pipeline.yaml", {})).get_repository_def()


def queued(
    definitions: dg.Definitions, instance: dg.DagsterInstance, tags: dict[str, str]
) -> dg.DagsterRun:
    """Queue a run of the video."""
    run = instance.create_run_for_job(
        definitions.resolve_job_def("ingest_video"),
        tags={"dagster/partition": str(KEY), **tags},
        remote_job_origin=LAUNCHED_FROM,
    )
    instance.report_dagster_event(dg.DagsterEvent.job_enqueue(run), run_id=run.run_id)
    return run


def state_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Return the value of the run's tag for held runs."""
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.tags[HELD_TAG]
