"""The job that processes one video, and the executor of all jobs."""

import dagster as dg

from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.domain.phases import PHASES

# A run is one process. Phases run whose upstream phases are good, though another phase failed.
EXECUTOR = dg.in_process_executor.configured(
    {"step_dependency_config": {"require_upstream_step_success": False}},
    name="one_process_a_video",
)

ingest_video = dg.define_asset_job(
    "ingest_video",
    selection=dg.AssetSelection.assets(*map(asset_key, PHASES)),
    executor_def=EXECUTOR,
    description="A video in, its timeline out: every phase of one video.",
)
