"""The stores in buckets do what every store does: on three servers, with versions and without."""

import pytest

from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.storage.s3.outputs import S3Outputs
from video_pipeline_tests.contracts.storage_contract import (
    Deliver,
    IngestContract,
    OutputContract,
)
from video_pipeline_tests.servers.buckets import MadeBucket

PART_BYTES = 5 << 20
UNABLE = {
    ("moto", "line\nbreak.mp4"): "moto's router takes no line break",
    ("moto", "test_the_listing_resumes_at_a_key_that_is_not_there"): "moto leaves out the next key",
}
"""What a server cannot do that S3 does."""


@pytest.fixture(autouse=True)
def able(request: pytest.FixtureRequest, bucket: MadeBucket) -> None:
    """Leaves out the few cases that a server is not able to."""
    given = request.node.callspec.params.get("name", request.node.originalname)
    if reason := UNABLE.get((bucket.server.name, given)):
        pytest.skip(reason)


@pytest.fixture
def ingest(bucket: MadeBucket) -> S3Ingest:
    return S3Ingest(bucket.client, bucket.name)


@pytest.fixture
def deliver(bucket: MadeBucket) -> Deliver:
    return bucket.put


@pytest.fixture
def outputs(bucket: MadeBucket) -> S3Outputs:
    return S3Outputs(bucket.client, bucket.name, part_bytes=PART_BYTES)


class TestS3Ingest(IngestContract):
    pass


class TestS3Outputs(OutputContract):
    pass
