"""The definitions with Dagster's default executor: a process for each step."""

import dagster as dg

from video_pipeline.definitions import defs as ours
from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.domain.phases import PHASES

JOB = "ingest_video_by_steps"

defs = dg.Definitions(
    assets=ours.assets,
    resources=ours.resources,
    jobs=[
        dg.define_asset_job(
            JOB,
            selection=dg.AssetSelection.assets(*map(asset_key, PHASES)),
            executor_def=dg.multiprocess_executor,
        )
    ],
)
