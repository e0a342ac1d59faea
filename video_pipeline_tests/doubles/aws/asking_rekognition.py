"""A deployment whose shots are found by a double of Rekognition. Videos lie in a real S3."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import sweep
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.testing import serving
from video_pipeline_tests.doubles.aws.deployment import (
    ACME,
    GLOBEX,
    AwsDeployment,
    HearingDeployment,
)
from video_pipeline_tests.doubles.aws.rekognition import Rekognition, Settings
from video_pipeline_tests.providers.aws.rekognition.rekognising import plugin
from video_pipeline_tests.servers.buckets import MadeBucket
from video_pipeline_tests.servers.topics_and_queues import ROLE, topic_to_queue


@dataclass
class Cloud(AwsDeployment):
    """A deployment that asks Rekognition for shots, and what it sees and pays."""

    bucket: MadeBucket
    phase = Phase.SHOTS
    running_seconds = 5
    keys = (ACME, GLOBEX)

    def end(self) -> None:
        """Let time pass until every job has ended and is looked up."""
        self.double.advance(2 * self.running_seconds)
        sweep(self.services, self.services.clock() + timedelta(hours=1))

    def billed(self) -> list[float]:
        """Return the milliseconds of each job that AWS bills."""
        return [job["milliseconds"] for job in self.double.books()["jobs"] if job["milliseconds"]]


@dataclass
class HearingCloud(HearingDeployment, Cloud):
    """One that receives the events of ended jobs in a queue."""


@contextmanager
def asking_rekognition(
    services: Services, bucket: MadeBucket, video: Path
) -> Generator[Cloud, None, None]:
    """Two projects with a video each, of two seconds, whose shots AWS is to find."""
    content: Any = {"duration": "2", "frames_per_second": "25"}
    settings = Settings(
        s3=bucket.server.endpoint, running_seconds=Cloud.running_seconds, otherwise=content
    )
    with serving(Rekognition(settings)) as double:
        asked = replace(
            services,
            ingest=S3Ingest(bucket.client, bucket.name),
            plugins={"aws": plugin(double.endpoint, kinds=("shot",))},
            choices=Choices(phases={Phase.SHOTS: PhaseChoice(providers=("aws",))}),
        )
        cloud = Cloud(asked, double, bucket)
        for key in cloud.keys:
            bucket.put(f"{key.prefix}a.mp4", video.read_bytes())
            cloud.registered(f"{key.prefix}a.mp4", key)
        yield cloud


def hearing(cloud: Cloud) -> HearingCloud:
    """The same deployment, with events in a queue of its own from now on."""
    queue = topic_to_queue(cloud.bucket.server)
    cloud.double.configure(sns=cloud.bucket.server.endpoint)
    told = {"topic": queue.source, "topic_role": ROLE, "completions": queue.url}
    asked = plugin(cloud.double.endpoint, kinds=("shot",), **told)
    services = replace(cloud.services, plugins={"aws": asked})
    return HearingCloud(services, cloud.double, bucket=cloud.bucket, queue=queue)
