"""A deployment whose shots are found by a double of Rekognition: videos lie in a real S3, and where
a test wants that, jobs that have ended are told of in a real queue."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.probe import media_info, source_video
from video_pipeline.pipeline.sweep.round import sweep
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.testing import Double, Fault, serving
from video_pipeline_tests.doubles.aws.rekognition import Rekognition, Settings
from video_pipeline_tests.providers.aws.rekognition.rekognising import plugin
from video_pipeline_tests.servers.buckets import MadeBucket
from video_pipeline_tests.servers.topics_and_queues import (
    ROLE,
    QueueOfCompletions,
    topic_to_queue,
)

RUNNING_SECONDS = 5
"""How long a job runs, by the double's clock."""


@dataclass
class Cloud:
    """A deployment that asks Rekognition for shots, and what it sees and pays."""

    services: Services
    double: Double
    bucket: MadeBucket
    keys: list[VideoKey]

    def inject(self, what: str, **more: Any) -> None:
        """Make a fault."""
        self.double.inject(Fault(what=what, **more))

    def run(self, key: VideoKey | None = None) -> Outcome:
        """A run's step."""
        return analyse(self.services, key or self.keys[0], {Phase.SHOTS})[Phase.SHOTS]

    def unit(self, key: VideoKey | None = None) -> WorkUnit:
        """The latest unit of a video."""
        key = key or self.keys[0]
        return self.services.of(key.project).units.of_video(key.video)[-1]

    def end(self) -> None:
        """Time passes until every job has ended and is looked up."""
        self.double.advance(2 * RUNNING_SECONDS)
        sweep(self.services, self.services.clock() + timedelta(hours=1))

    def wait(self, hours: float) -> None:
        """So much time passes here, but not at AWS, and a sweep looks."""
        then = self.services.clock
        self.services = replace(self.services, clock=lambda: then() + timedelta(hours=hours))
        sweep(self.services, self.services.clock())

    def billed(self) -> list[float]:
        """Milliseconds of each job that AWS bills."""
        return [job["milliseconds"] for job in self.double.books()["jobs"] if job["milliseconds"]]

    def counted(self, key: VideoKey | None = None) -> int:
        """Seconds that the ledger counts for a video."""
        key = key or self.keys[0]
        units = self.services.of(key.project).units.of_video(key.video)
        return int(sum(used.quantity for unit in units for used in unit.settled))

    def money(self) -> tuple[list[float], int]:
        """What AWS bills, and what the ledger counts."""
        return self.billed(), self.counted()

    def told(self) -> tuple[UnitState, PhaseState]:
        """Where the unit and the phase stand after a run."""
        outcome = self.run()
        return self.unit().state, outcome.state


@dataclass
class HearingCloud(Cloud):
    """One that is told in a queue of jobs that have ended."""

    queue: QueueOfCompletions

    def ended(self, events: int) -> None:
        """Time passes until every job has ended, and so many events were told."""
        self.double.advance(2 * RUNNING_SECONDS)
        until = time.monotonic() + 10
        while (books := self.double.books())["running"] != {"123456789012/us-east-1": 0} or len(
            books["events"]
        ) < events:
            assert time.monotonic() < until, books["events"]
            time.sleep(0.01)
        assert [one for one in books["events"] if "undelivered" in one] == []

    def hear(self) -> bool:
        """A sweep at this moment, when no job is overdue yet; whether the unit is a run's turn."""
        sweep(self.services, self.services.clock())
        return self.unit().ready


@contextmanager
def asking_rekognition(
    services: Services, bucket: MadeBucket, video: Path
) -> Generator[Cloud, None, None]:
    """Two projects with a video each, of two seconds, whose shots AWS is to find."""
    content: Any = {"duration": "2", "frames_per_second": "25"}
    settings = Settings(
        s3=bucket.server.endpoint, running_seconds=RUNNING_SECONDS, otherwise=content
    )
    with serving(Rekognition(settings)) as double:
        asked = replace(
            services,
            ingest=S3Ingest(bucket.client, bucket.name),
            plugins={"aws": plugin(double.endpoint, kinds=("shot",))},
            choices=Choices(phases={Phase.SHOTS: PhaseChoice(providers=("aws",))}),
        )
        keys = [VideoKey.parse(name) for name in ("acme/one", "globex/one")]
        for key in keys:
            bucket.put(f"{key.prefix}a.mp4", video.read_bytes())
            register_now(asked.ingest, asked.catalog, f"{key.prefix}a.mp4", asked.clock())
            assert source_video(asked, key).state.good and media_info(asked, key).state.good
        yield Cloud(asked, double, bucket, keys)


def hearing(cloud: Cloud) -> HearingCloud:
    """The same deployment, told in a queue of its own of jobs that start from now on."""
    queue = topic_to_queue(cloud.bucket.server)
    cloud.double.configure(sns=cloud.bucket.server.endpoint)
    told = {"topic": queue.source, "topic_role": ROLE, "completions": queue.url}
    asked = plugin(cloud.double.endpoint, kinds=("shot",), **told)
    services = replace(cloud.services, plugins={"aws": asked})
    return HearingCloud(services, cloud.double, cloud.bucket, cloud.keys, queue)
