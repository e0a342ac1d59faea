"""Base classes of deployments that use a double of AWS: two projects, each with a video in S3."""

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services
from video_pipeline.testing import Double, Fault
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.servers.topics_and_queues import QueueOfCompletions

ACME, GLOBEX = VideoKey.parse("acme/one"), VideoKey.parse("globex/one")


@dataclass
class AwsDeployment:
    """A deployment with one phase, whose provider is a double."""

    services: Services
    double: Double
    phase: ClassVar[Phase]
    running_seconds: ClassVar[float]
    """How long a job runs, by the double's clock."""

    def inject(self, what: str, **more: Any) -> None:
        self.double.inject(Fault(what=what, **more))

    def run(self, key: VideoKey = ACME) -> Outcome:
        """Run the phase once."""
        return analyse(self.services, key, {self.phase})[self.phase]

    def units(self, key: VideoKey = ACME) -> list[WorkUnit]:
        return self.services.of(key.project).units.of_video(key.video)

    def unit(self, key: VideoKey = ACME) -> WorkUnit:
        """Return the latest unit of a video."""
        return self.units(key)[-1]

    def told(self) -> tuple[UnitState, PhaseState]:
        """Return the states of the unit and of the phase after a run."""
        outcome = self.run()
        return self.unit().state, outcome.state

    def wait(self, hours: float) -> None:
        """Advance the pipeline's clock, but not the double's, and sweep."""
        then = self.services.clock
        self.services = replace(self.services, clock=lambda: then() + timedelta(hours=hours))
        sweep(self.services, self.services.clock())

    def billed(self) -> Any:
        """Return what AWS bills."""
        raise NotImplementedError

    def counted(self, key: VideoKey = ACME) -> int:
        """Return the seconds that the ledger counts for a video."""
        return int(sum(used.quantity for unit in self.units(key) for used in unit.settled))

    def money(self) -> tuple[Any, int]:
        """Return what AWS bills, and what the ledger counts."""
        return self.billed(), self.counted()

    def jobs_end(self, events: int = 0) -> dict[str, Any]:
        """Wait until no job runs and `events` events were sent, and return the books."""
        until = time.monotonic() + 10
        while _runs(books := self.double.books()) or len(books["events"]) < events:
            assert time.monotonic() < until, books
            time.sleep(0.01)
        return books

    def registered(self, object_key: str, key: VideoKey) -> None:
        """Register and inspect a video that is in the ingest store."""
        services = self.services
        register_now(services.ingest, services.catalog, object_key, services.clock())
        made = run_video(services, key, phases=[Phase.SOURCE_VIDEO, Phase.MEDIA_INFO])
        assert all(outcome.state.good for outcome in made.values())


@dataclass
class HearingDeployment(AwsDeployment):
    """A deployment that receives completion events in a queue."""

    queue: QueueOfCompletions

    def ended(self, events: int) -> None:
        """Advance the double's clock until every job has ended and `events` events were sent."""
        self.double.advance(2 * self.running_seconds)
        books = self.jobs_end(events)
        assert [one for one in books["events"] if "undelivered" in one] == []

    def hear(self) -> bool:
        """Sweep before any job is overdue, and return whether the unit waits for a run."""
        sweep(self.services, self.services.clock())
        return self.unit().state.ready


def _runs(books: dict[str, Any]) -> bool:
    return any(job["status"] in ("QUEUED", "IN_PROGRESS") for job in books["jobs"])
