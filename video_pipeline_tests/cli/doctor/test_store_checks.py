"""doctor's checks of buckets, which read and write on a real server."""

from pathlib import Path

import pytest

from video_pipeline.cli.doctor.checks import stores
from video_pipeline.cli.doctor.finding import Finding
from video_pipeline.domain.errors import StorageError
from video_pipeline.settings import load_settings
from video_pipeline.storage.s3.outputs import S3ProjectOutputs
from video_pipeline_tests.servers.buckets import MadeBucket, made_bucket

PIPELINE = """
storage:
  s3:
    endpoint: {endpoint}
    region: us-east-1
    attempts: 1
    access_key_id: {{env: KEY}}
    secret_access_key: {{env: SECRET}}
"""


@pytest.fixture
def found(moto_bucket: MadeBucket, tmp_path: Path):
    def found(ingest: str, outputs: str) -> list[Finding]:
        file = tmp_path / "pipeline.yaml"
        file.write_text(PIPELINE.format(endpoint=moto_bucket.server.endpoint))
        names = {"S3_BUCKET": ingest, "S3_OUTPUT_BUCKET": outputs}
        keys = {"KEY": moto_bucket.server.access, "SECRET": moto_bucket.server.secret}
        return list(stores(load_settings(file, {**names, **keys})))

    return found


def test_working_buckets_are_ok_and_left_unchanged(found, moto_bucket: MadeBucket) -> None:
    moto_bucket.put("projects/acme/videos/v/a.mp4", b"bytes")
    results = made_bucket(moto_bucket.server)
    told = found(moto_bucket.name, results.name)
    assert [(one.subject, one.level) for one in told] == [("ingest", "ok"), ("outputs", "ok")]
    assert told[0].detail == f"s3://{moto_bucket.name}"
    left = moto_bucket.client.list_objects_v2(Bucket=moto_bucket.name)["Contents"]
    assert [one["Key"] for one in left] == ["projects/acme/videos/v/a.mp4"]
    assert "Contents" not in moto_bucket.client.list_objects_v2(Bucket=results.name)


def test_object_is_deleted_after_a_failure(
    found, moto_bucket: MadeBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StorageError("access is denied", remedy="Allow s3:ListBucket.")

    monkeypatch.setattr(S3ProjectOutputs, "listing", refuse)
    results = made_bucket(moto_bucket.server)
    ingest, outputs = found(moto_bucket.name, results.name)
    assert (ingest.level, outputs.level) == ("ok", "missing")
    assert outputs.remedy == "Allow s3:ListBucket."
    assert "Contents" not in moto_bucket.client.list_objects_v2(Bucket=results.name)


def test_missing_bucket_is_reported_beside_a_working_one(found, moto_bucket: MadeBucket) -> None:
    told = found("no-such-bucket", moto_bucket.name)
    assert [one.level for one in told] == ["missing", "ok"]
    assert "no such bucket" in told[0].detail and "Create it" in told[0].remedy
    assert [one.level for one in found(moto_bucket.name, "no-such-bucket")] == ["ok", "missing"]
