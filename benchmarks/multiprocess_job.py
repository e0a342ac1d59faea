"""The definitions with Dagster's default executor: a process for each step."""

import dagster as dg

from video_pipeline import definitions
from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.domain.phases import PHASES

JOB = "ingest_video_by_steps"

defs = dg.Definitions(
    assets=definitions.defs.assets,
    resources=definitions.defs.resources,
    jobs=[
        dg.define_asset_job(
            JOB,
            selection=dg.AssetSelection.assets(*map(asset_key, PHASES)),
            executor_def=dg.multiprocess_executor,
        )
    ],
)
