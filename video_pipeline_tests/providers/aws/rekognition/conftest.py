"""A double of Rekognition beside a real server of S3, where each test has a bucket of its own."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from video_pipeline.plugins.inputs import Inputs, ObjectRef
from video_pipeline.testing import Double, serving
from video_pipeline_tests.doubles.aws.rekognition import Rekognition, Settings
from video_pipeline_tests.servers.buckets import MadeBucket, Servers, made_bucket

KEY = "projects/acme/videos/a/a b+%é.mp4"


@dataclass(frozen=True)
class Stored:
    """A video in a bucket."""

    bucket: MadeBucket
    version: str
    """As the pipeline calls it."""

    @property
    def inputs(self) -> Inputs:
        """What a plugin is given."""
        uri = f"s3://{self.bucket.name}/{KEY}"
        return Inputs(object=ObjectRef(uri=uri, version=self.version))


@pytest.fixture
def double(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    s3 = servers["moto"].endpoint
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    with serving(Rekognition(Settings(running_seconds=0.05, s3=s3))) as started:
        yield started


@pytest.fixture
def versioned(servers: Servers) -> Stored:
    """In a bucket that keeps versions."""
    bucket = made_bucket(servers["moto"], versioned=True, client=servers.client("moto"))
    put = bucket.client.put_object(Bucket=bucket.name, Key=KEY, Body=b"video")
    return Stored(bucket, put["VersionId"])


@pytest.fixture
def unversioned(servers: Servers) -> Stored:
    """In a bucket that keeps none."""
    bucket = made_bucket(servers["moto"], client=servers.client("moto"))
    put = bucket.client.put_object(Bucket=bucket.name, Key=KEY, Body=b"video")
    etag = put["ETag"].strip('"')
    return Stored(bucket, f"etag:{etag}:5")
