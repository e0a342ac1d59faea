"""`backfill --only unmaterialized`: what Dagster does not show is logged by a run of the job."""

import json

import dagster as dg
import pytest

from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import Source
from video_pipeline.pipeline.services import Services, now_utc
from video_pipeline_tests.cli.jobs.test_list import instance as instance
from video_pipeline_tests.cli.jobs.test_list import served as served

ASKED = ("backfill", "--project", "acme", "--only", "unmaterialized")


@pytest.mark.usefixtures("served")
def test_unmaterialized_launches_the_job(
    call, services: Services, instance: dg.DagsterInstance
) -> None:
    for key in map(VideoKey.parse, ("acme/one", "acme/no-partition", "globex/one")):
        source = Source(
            key=key, object_key=f"{key.prefix}a.mp4", name=key.video, version="1", size=5
        )
        services.of(key.project).videos.register(source, now_utc())
        for phase in (Phase.SHOTS, Phase.AUDIO):
            services.of(key.project).events.record(key.video, phase, PhaseState.DONE, now_utc())
    known = dg.AssetMaterialization(asset_key(Phase.AUDIO), partition="acme/one")
    instance.report_runless_asset_event(known)
    shown = json.loads(call(*ASKED, "--preview", "--json").stdout)
    assert shown["videos"] == 1 and shown["paid"] == {}
    assert {phase: one["videos"] for phase, one in shown["phases"].items()} == {"shots": 1}
    assert instance.get_runs() == []
    ended = call(*ASKED, "--phase", "shots", "--yes")
    (run,) = instance.get_runs()
    assert run.run_id in ended.stdout and run.job_name == "backfill_project"
    assert run.tags["dagster/partition"] == "acme"
    config = {"only": "unmaterialized", "phases": ["shots"], "preview": False}
    assert run.run_config == {"ops": {"launch_backfill": {"config": config}}}
