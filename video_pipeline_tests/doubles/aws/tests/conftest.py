"""A real server of S3, SQS, SNS, EventBridge and Transcribe for the tests of the doubles."""

from collections.abc import Iterator

import pytest

from video_pipeline_tests.servers.s3_servers import S3Server, ministack


@pytest.fixture(scope="session")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with ministack(tmp_path_factory.mktemp("ministack")) as server:
        yield server
