"""Dagster's composition root: `Settings` in, `Definitions` out.

Loading it reads pipeline.yaml, or its last valid version, and opens nothing.
"""

import atexit
import gc
from collections.abc import Mapping

import dagster as dg

from video_pipeline.defs.arrivals.sensor import arrivals
from video_pipeline.defs.jobs import EXECUTOR, ingest_video
from video_pipeline.defs.parked.jobs import cancel_work, fetch_again
from video_pipeline.defs.parked.sensor import completions
from video_pipeline.defs.projects.assets import all_projects, project
from video_pipeline.defs.projects.backfill_job import backfill_project
from video_pipeline.defs.projects.sensor import projects
from video_pipeline.defs.resources.deployment import pipeline_resources
from video_pipeline.defs.resources.providers import chosen_entries, provider_resources
from video_pipeline.defs.runs.clean_up import clean_up, clean_up_nightly
from video_pipeline.defs.runs.lost_retries_sensor import lost_retries
from video_pipeline.defs.videos.assets import video_assets
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.settings import Settings, load_running


def build_defs(
    settings: Settings,
    overrides: Mapping[str, object] | None = None,
    problem: ConfigurationError | None = None,
) -> dg.Definitions:
    """Return all definitions. `overrides` replaces resources by key, for tests.

    The asset `project` shows the `problem` of a pipeline.yaml whose last valid version is used.
    Raises ConfigurationError for provider entries that cannot be resources.
    """
    resources: dict[str, object] = {
        **pipeline_resources(settings),
        **provider_resources(settings),
        **(overrides or {}),
    }
    return dg.Definitions(
        assets=[
            *video_assets(chosen_entries(settings), settings.choices.not_configured()),
            _telling(problem) if problem else project,
            all_projects,
        ],
        jobs=[ingest_video, backfill_project, cancel_work, fetch_again, clean_up],
        schedules=[clean_up_nightly],
        sensors=[arrivals, completions, lost_retries, projects],
        resources=resources,
        executor=EXECUTOR,
    )


def _telling(problem: ConfigurationError) -> dg.AssetsDefinition:
    told = f"When these definitions were loaded: {problem}"
    metadata = {"pipeline.yaml": dg.MetadataValue.text(told)}
    return project.map_asset_specs(lambda spec: spec.merge_attributes(metadata=metadata))


_running = load_running()
defs = build_defs(_running.settings, problem=_running.problem)
# Else Python searches everything for garbage as a run ends: 0.4 CPU-s, and the memory goes anyway.
atexit.register(gc.freeze)
