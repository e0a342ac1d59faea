"""A double of Transcribe that writes results to a real bucket and events to a real queue."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from video_pipeline.testing import Double, serving
from video_pipeline_tests.doubles.aws.tests.transcribe.asking import put_media
from video_pipeline_tests.doubles.aws.transcribe import Settings, Transcribe
from video_pipeline_tests.servers.s3_servers import S3Server
from video_pipeline_tests.servers.topics_and_queues import (
    QueueOfCompletions,
    new_bucket,
    rule_to_queue,
)

Start = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Stage:
    """The double, and its bucket and queue on the real server."""

    double: Double
    bucket: str
    queue: QueueOfCompletions
    s3: Any


@pytest.fixture
def stage(peers: S3Server) -> Iterator[Stage]:
    queue, bucket = rule_to_queue(peers), new_bucket(peers)
    s3 = peers.clients().client("s3")
    put_media(s3, bucket)
    settings = Settings(running_seconds=0, s3=peers.endpoint, sqs=peers.endpoint, queue=queue.url)
    with serving(Transcribe(settings)) as double:
        yield Stage(double, bucket, queue, s3)


@pytest.fixture
def client(stage: Stage) -> Any:
    return stage.double.client("transcribe")
