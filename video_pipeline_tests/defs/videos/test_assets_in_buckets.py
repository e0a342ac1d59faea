"""All phases of real videos of two tenants in Dagster, from a bucket into a bucket."""

from pathlib import Path

import dagster as dg
import pytest

import video_pipeline.samples
from video_pipeline.definitions import build_defs
from video_pipeline.defs.arrivals.sensor import arrivals
from video_pipeline.settings import load_settings
from video_pipeline_tests.servers.buckets import MadeBucket, Servers, made_bucket

PIPELINE = """\
catalog: {{database: {database}}}
storage:
  s3:
    endpoint: {endpoint}
    region: us-east-1
    access_key_id: {{env: A_KEY}}
    secret_access_key: {{env: A_SECRET}}
providers:
  cuts: {{plugin: pyscenedetect}}
phases:
  shots: [cuts]
"""
KEYS = {"acme/trailer", "acme2/trailer"}


@pytest.fixture
def results(servers: Servers) -> MadeBucket:
    return made_bucket(servers["moto"])


@pytest.fixture
def definitions(
    tmp_path: Path,
    mongo_uri: str,
    mongo_database: str,
    versioned_bucket: MadeBucket,
    results: MadeBucket,
    monkeypatch: pytest.MonkeyPatch,
) -> dg.Definitions:
    """Return the definitions of a new deployment with a video of each tenant in a bucket."""
    server = versioned_bucket.server
    named = {"S3_BUCKET": versioned_bucket.name, "S3_OUTPUT_BUCKET": results.name}
    for name, value in {**named, "A_KEY": server.access, "A_SECRET": server.secret}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MONGODB_URI", mongo_uri)
    file = tmp_path / "pipeline.yaml"
    file.write_text(PIPELINE.format(database=mongo_database, endpoint=server.endpoint))
    sample = Path(video_pipeline.samples.__file__).with_name("trailer.mp4").read_bytes()
    for key in KEYS:
        project, video = key.split("/")
        versioned_bucket.put(f"projects/{project}/videos/{video}/a b+%é.mp4", sample)
    return build_defs(load_settings(file))


def test_run_publishes_timelines_from_bucket_to_bucket(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    versioned_bucket: MadeBucket,
    results: MadeBucket,
) -> None:
    requests, cursor = [], None
    for _ in range(3):
        with dg.build_sensor_context(
            instance=instance, cursor=cursor, resources=definitions.resources
        ) as context:
            ticked = arrivals(context)
        assert isinstance(ticked, dg.SensorResult)
        requests, cursor = requests + list(ticked.run_requests or ()), ticked.cursor
    assert {request.partition_key for request in requests} == KEYS
    job = definitions.resolve_job_def("ingest_video")
    for key in KEYS:
        ended = job.execute_in_process(instance=instance, partition_key=key)
        assert ended.success
        told = {
            event.asset_key.to_user_string(): event.materialization.metadata
            for event in ended.all_events
            if event.is_step_materialization and event.asset_key
        }
        source = f"s3://{versioned_bucket.name}/projects/{key.replace('/', '/videos/')}/a b+%é.mp4"
        assert told["source_video"]["address"].value == source
        assert f"s3://{results.name}/" in str(told["exports"]["files"].value)
        assert "X-Amz" not in str(told) and "Signature" not in str(told)
    found = results.client.list_objects_v2(Bucket=results.name)["Contents"]
    keys = {one["Key"] for one in found}
    for key in KEYS:
        project, video = key.split("/")
        assert f"projects/{project}/videos/{video}/timeline.json" in keys
    ingested = versioned_bucket.client.list_object_versions(Bucket=versioned_bucket.name)
    assert len(ingested["Versions"]) == 2, "nothing is written where videos arrive"
