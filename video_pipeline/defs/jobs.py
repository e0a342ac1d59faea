"""The job over the whole road, and how runs execute."""

import dagster as dg

from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.domain.phases import PHASES

EXECUTOR = dg.in_process_executor.configured(
    {"step_dependency_config": {"require_upstream_step_success": False}},
    name="one_process_a_video",
)
"""A run is one process. What hangs on the good phases goes on where another phase failed."""

ingest_video = dg.define_asset_job(
    "ingest_video",
    selection=dg.AssetSelection.assets(*map(asset_key, PHASES)),
    executor_def=EXECUTOR,
    description="A video in, its timeline out: every phase of one video.",
)
