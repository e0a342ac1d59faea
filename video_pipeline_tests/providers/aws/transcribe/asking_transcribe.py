"""A deployment whose transcripts are made by a double of Transcribe: videos and results lie in a
real S3, and where a test wants that, jobs that have ended are told of in a real queue."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.pipeline.policies import Choices, PhaseChoice, WorkPolicy
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.probe import media_info, source_video
from video_pipeline.pipeline.sweep.round import sweep
from video_pipeline.storage.local.folder import FolderOutputs
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.testing import Double, Fault, serving
from video_pipeline_tests.doubles.aws.transcribe import Settings, Transcribe
from video_pipeline_tests.providers.aws.transcribe.transcribing import Speech
from video_pipeline_tests.servers.topics_and_queues import QueueOfCompletions, untold_queue

ACME, GLOBEX = VideoKey.parse("acme/one"), VideoKey.parse("globex/one")
SECONDS = 2
"""Of sound in the film."""
RUNNING_SECONDS = 60
"""How long a job runs that does not end at once, by the double's clock."""


@dataclass
class Stage:
    """A deployment whose transcripts are made by the double."""

    services: Services
    double: Double
    place: Speech

    def run(self, key: VideoKey = ACME) -> Outcome:
        """One run of the phase."""
        return analyse(self.services, key, {Phase.TRANSCRIPT})[Phase.TRANSCRIPT]

    def settled(self, key: VideoKey = ACME) -> Outcome:
        """Runs until the phase is not parked any more, as the completions sensor would."""
        outcome = self.run(key)
        for _ in range(100):
            if outcome.state is not PhaseState.PARKED:
                return outcome
            sweep(self.services, self.services.clock() + timedelta(minutes=2))
            self.services.sleep(0.05)
            outcome = self.run(key)
        raise AssertionError(f"still parked: {outcome.message}")

    def units(self, key: VideoKey = ACME) -> list[WorkUnit]:
        return self.services.of(key.project).units.of_video(key.video)

    def unit(self, key: VideoKey = ACME) -> WorkUnit:
        """The latest unit of a video."""
        return self.units(key)[-1]

    def told(self) -> tuple[UnitState, PhaseState]:
        """Where the unit and the phase stand after a run."""
        outcome = self.run()
        return self.unit().state, outcome.state

    def wait(self, hours: float) -> None:
        """So much time passes here, but not at AWS, and a sweep looks."""
        then = self.services.clock
        self.services = replace(self.services, clock=lambda: then() + timedelta(hours=hours))
        sweep(self.services, self.services.clock())

    def jobs_end(self) -> None:
        """Wait until no job runs."""
        until = time.monotonic() + 10
        while _runs(books := self.double.books()):
            assert time.monotonic() < until, books
            time.sleep(0.01)

    def inject(self, what: str, **more: Any) -> None:
        self.double.inject(Fault(what=what, **more))

    def billed(self) -> int:
        """Seconds that the vendor bills."""
        return self.double.books()["billed"].get("Transcription", 0)

    def paid(self, key: VideoKey = ACME) -> int:
        """Seconds that the ledger says were paid."""
        return int(sum(used.quantity for unit in self.units(key) for used in unit.settled))

    def money(self) -> tuple[int, int]:
        """Seconds that the vendor bills, and that the ledger counts."""
        return self.billed(), self.paid()


@dataclass
class HearingStage(Stage):
    """One that is told in a queue of jobs that have ended."""

    queue: QueueOfCompletions

    def ended(self, events: int) -> None:
        """Time passes until every job has ended, and so many events were told."""
        self.double.advance(2 * RUNNING_SECONDS)
        until = time.monotonic() + 10
        while _runs(books := self.double.books()) or len(books["events"]) < events:
            assert time.monotonic() < until, books
            time.sleep(0.01)
        assert [one for one in books["events"] if "undelivered" in one] == []

    def hear(self) -> bool:
        """A sweep at this moment, when no job is overdue yet; whether the unit is a run's turn."""
        sweep(self.services, self.services.clock())
        return self.unit().ready


def _runs(books: dict[str, Any]) -> bool:
    return any(job["status"] in ("QUEUED", "IN_PROGRESS") for job in books["jobs"])


@contextmanager
def asking_transcribe(
    place: Speech, catalog: Catalog, folder: Path, film: Path
) -> Generator[Stage, None, None]:
    """Two projects with a video each, of which AWS is to write down what is said. Jobs end at
    once."""
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
            _arrive(stage, key, film.read_bytes())
        yield stage


def hearing(stage: Stage) -> HearingStage:
    """The same deployment, told in a queue of its own of jobs, which run for a while."""
    queue = untold_queue(stage.place.server)
    sent = {"sqs": stage.place.server.endpoint, "queue": queue.url}
    stage.double.configure(running_seconds=RUNNING_SECONDS, **sent)
    words = stage.place.plugin(stage.double.endpoint, completions=queue.url)
    services = replace(stage.services, plugins={"words": words})
    return HearingStage(services, stage.double, stage.place, queue)


def _arrive(stage: Stage, key: VideoKey, content: bytes) -> None:
    """Deliver a video, and inspect it."""
    object_key = f"{key.prefix}film.mp4"
    stage.place.client("s3").put_object(Bucket=stage.place.ingest, Key=object_key, Body=content)
    services = stage.services
    register_now(services.ingest, services.catalog, object_key, services.clock())
    assert source_video(services, key).state.good
    assert media_info(services, key).state.good
