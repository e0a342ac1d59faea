"""A deployment that gets shots from a double of Rekognition. Its videos are in a real S3 server."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.testing import serving
from video_pipeline_tests.doubles.aws.deployment import (
    ACME,
    GLOBEX,
    AwsDeployment,
    HearingDeployment,
)
from video_pipeline_tests.doubles.aws.rekognition import Rekognition, Settings
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.providers.aws.rekognition.rekognising import plugin
from video_pipeline_tests.servers.buckets import MadeBucket
from video_pipeline_tests.servers.topics_and_queues import ROLE, topic_to_queue


@dataclass
class Cloud(AwsDeployment):
    """A deployment that requests shots from Rekognition, with its billing records."""

    bucket: MadeBucket
    phase = Phase.SHOTS
    running_seconds = 5
    keys = (ACME, GLOBEX)

    def end(self) -> None:
        """Advance the double's clock until every job has ended, and sweep to look them up."""
        self.double.advance(2 * self.running_seconds)
        sweep(self.services, self.services.clock() + timedelta(hours=1))

    def billed(self) -> list[float]:
        """Return the milliseconds of each billed job."""
        return [job["milliseconds"] for job in self.double.books()["jobs"] if job["milliseconds"]]


@dataclass
class HearingCloud(HearingDeployment, Cloud):
    """A `Cloud` that receives completion events in a queue."""


@contextmanager
def asking_rekognition(
    services: Services, bucket: MadeBucket, video: Path
) -> Generator[Cloud, None, None]:
    """Make a deployment of two projects, each with one video of 2 s, and the phase `shots`."""
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
    """Return the same deployment, which from now on receives events in a new queue."""
    queue = topic_to_queue(cloud.bucket.server)
    cloud.double.configure(sns=cloud.bucket.server.endpoint)
    told = {"topic": queue.source, "topic_role": ROLE, "completions": queue.url}
    asked = plugin(cloud.double.endpoint, kinds=("shot",), **told)
    services = replace(cloud.services, plugins={"aws": asked})
    return HearingCloud(services, cloud.double, bucket=cloud.bucket, queue=queue)
