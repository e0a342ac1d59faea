"""A deployment whose transcripts are made by a double of Transcribe. Videos and results lie in a
real S3."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.pipeline.policies import Choices, PhaseChoice, WorkPolicy
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.local.folder import FolderOutputs
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.testing import serving
from video_pipeline_tests.doubles.aws.deployment import (
    ACME,
    GLOBEX,
    AwsDeployment,
    HearingDeployment,
)
from video_pipeline_tests.doubles.aws.transcribe import Settings, Transcribe
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.providers.aws.transcribe.transcribing import Speech
from video_pipeline_tests.servers.topics_and_queues import untold_queue

# Of audio in the film.
SECONDS = 2
# How long a job runs that does not end at once, by the double's clock.
RUNNING_SECONDS = 60


@dataclass
class Stage(AwsDeployment):
    """A deployment whose transcripts are made by the double."""

    place: Speech
    phase = Phase.TRANSCRIPT
    running_seconds = RUNNING_SECONDS

    def settled(self, key: VideoKey = ACME) -> Outcome:
        """Run until the phase is no longer parked, as the completions sensor would."""
        outcome = self.run(key)
        for _ in range(100):
            if outcome.state is not PhaseState.PARKED:
                return outcome
            sweep(self.services, self.services.clock() + timedelta(minutes=2))
            self.services.sleep(0.05)
            outcome = self.run(key)
        raise AssertionError(f"still parked: {outcome.message}")

    def billed(self) -> int:
        """Return the seconds that AWS bills."""
        return self.double.books()["billed"].get("Transcription", 0)


@dataclass
class HearingStage(HearingDeployment, Stage):
    """One that receives the events of ended jobs in a queue."""


@contextmanager
def asking_transcribe(
    place: Speech, catalog: Catalog, folder: Path, film: Path
) -> Generator[Stage, None, None]:
    """Two projects with a video each, which AWS is to transcribe. Jobs end at once."""
    scratch = folder / "scratch"
    scratch.mkdir()
    settings = Settings(s3=place.server.endpoint, running_seconds=0)
    with serving(Transcribe(settings)) as double:
        services = Services(
            catalog=catalog,
            ingest=S3Ingest(place.client("s3"), place.ingest),
            outputs=FolderOutputs(folder / "outputs"),
            media=ChildMediaReader(),
            plugins={"words": place.plugin(double.endpoint, read_seconds=3)},
            choices=Choices(phases={Phase.TRANSCRIPT: PhaseChoice(providers=("words",))}),
            scratch=scratch,
            policy=WorkPolicy(lease_seconds=1, backoff_seconds=0.01),
        )
        stage = Stage(services, double, place)
        for key in (ACME, GLOBEX):
            name, content = f"{key.prefix}film.mp4", film.read_bytes()
            place.client("s3").put_object(Bucket=place.ingest, Key=name, Body=content)
            stage.registered(name, key)
        yield stage


def hearing(stage: Stage) -> HearingStage:
    """The same deployment, with events in a queue of its own; jobs run for a while."""
    queue = untold_queue(stage.place.server)
    sent = {"sqs": stage.place.server.endpoint, "queue": queue.url}
    stage.double.configure(running_seconds=RUNNING_SECONDS, **sent)
    words = stage.place.plugin(stage.double.endpoint, completions=queue.url)
    services = replace(stage.services, plugins={"words": words})
    return HearingStage(services, stage.double, place=stage.place, queue=queue)
