"""What the sensor of completions sees and does, tick by tick."""

from datetime import UTC, datetime

import dagster as dg

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.dagster_api.tags import HELD_TAG
from video_pipeline.defs.parked.sensor import completions
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.work import WorkUnit
from video_pipeline_tests.defs.opened import LAUNCHED_FROM, Opened

KEY = VideoKey.parse("acme/talk")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def ended(catalog: Catalog, unit: WorkUnit) -> WorkUnit:
    """Somebody says that the unit's job has ended."""
    catalog.project(unit.request.key.project).units.mark_ready(unit.id, NOW)
    return unit


def tick(stage: Opened, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    """The runs that one tick requests."""
    context = dg.build_sensor_context(instance=instance, resources={"pipeline": stage})
    result = completions(context)
    return list(result.run_requests or ()) if isinstance(result, dg.SensorResult) else []


def told(stage: Opened, instance: dg.DagsterInstance) -> str:
    """What one tick that requests no run says."""
    context = dg.build_sensor_context(instance=instance, resources={"pipeline": stage})
    result = completions(context)
    assert isinstance(result, dg.SkipReason)
    return result.skip_message or ""


def queued(
    definitions: dg.Definitions, instance: dg.DagsterInstance, tags: dict[str, str]
) -> dg.DagsterRun:
    """A queued run of the video."""
    run = instance.create_run_for_job(
        definitions.resolve_job_def("road"),
        tags={"dagster/partition": str(KEY), **tags},
        remote_job_origin=LAUNCHED_FROM,
    )
    instance.report_dagster_event(dg.DagsterEvent.job_enqueue(run), run_id=run.run_id)
    return run


def state_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """What the run's tag says of its being held."""
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.tags[HELD_TAG]
