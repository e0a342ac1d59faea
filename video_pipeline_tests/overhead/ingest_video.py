"""A Dagster run of `ingest_video` on one file in one process, compared with the bare calls.

DAGSTER_HOME, MONGODB_URI and VIDEO_PIPELINE_CONFIG name the deployment; the partition is given.
"""

import json
import sys

import dagster as dg

from video_pipeline.definitions import defs
from video_pipeline.defs.partitions import VIDEOS_NAME

if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions(VIDEOS_NAME, [sys.argv[1]])
        done = defs.resolve_job_def("ingest_video").execute_in_process(
            instance=instance, partition_key=sys.argv[1]
        )
        made = [m.asset_key.to_user_string() for m in done.get_asset_materialization_events()]
        print(json.dumps({"success": done.success, "assets": len(made)}))
