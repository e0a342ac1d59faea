"""Drive one work unit through the real code and a real catalogue, and see what becomes of it."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.errors import FailureCategory, PipelineError, ProviderError
from video_pipeline.domain.media import MediaInfo, VideoStream
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import Source
from video_pipeline.domain.time import FrameRate
from video_pipeline.domain.usage import Meter, MeterSpec
from video_pipeline.domain.work import UnitFailure, UnitState, Wait, WaitKind, WorkRequest, WorkUnit
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.pipeline.admission.gate import Gate
from video_pipeline.pipeline.analysis.planner import Assigner, Subject
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.cancel import cancel
from video_pipeline.pipeline.policies import Choices, PhaseChoice, WorkPolicy
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import make_round
from video_pipeline.plugins.base import Calls, Jobs, JobStatus, Slots, Submission
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import Inputs, Object
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.storage.local.folder import FolderIngest, FolderOutputs
from video_pipeline_tests.doubles.units import FULL, bring_to

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
POOL_SECONDS, POLL_SECONDS = 5.0, 7.0
DEADLINE = timedelta(hours=1)
_CONTENT = hashlib.sha256(b"video").hexdigest()
_MEDIA = MediaInfo(
    audio=None,
    container="mp4",
    size=5,
    sha256=_CONTENT,
    duration=Fraction(4),
    video=VideoStream(
        codec="h264",
        width=64,
        height=36,
        frame_rate=FrameRate(per_second=Fraction(25)),
        time_base=Fraction(1, 25),
        duration=Fraction(4),
    ),
)


@dataclass
class Script:
    """What the provider says to each kind of request."""

    submit: Callable[[], Submission] = lambda: Submission(job="7")
    poll: Callable[[], JobStatus | None] = lambda: JobStatus(state="running")
    fetch: Callable[[], Sequence[bytes]] = lambda: [b"page"]
    stops: bool = False
    replay: Any = "deduplicated"
    submissions: int = 0


class _Scripted(BaseTemporalPlugin):
    name = "scripted"
    paid = True

    def __init__(self, script: Script) -> None:
        super().__init__(None)
        self.script = script

    def capabilities(self) -> Capabilities:
        return Capabilities(
            fed=Object(),
            replay=self.script.replay,
            meter=MeterSpec(meter=Meter.VIDEO_SECONDS, paid=self.paid),
            kinds=("shot",),
        )

    def normalise(self, request: WorkRequest, media: MediaInfo, pages: Any) -> Iterator[Any]:
        list(pages)
        return iter(())


class ScriptedJobs(_Scripted, Jobs):
    """A provider of jobs with one slot."""

    poll_seconds = POLL_SECONDS
    deadline_seconds = DEADLINE.total_seconds()

    def slots(self, operation: str) -> Slots:
        return Slots(shared_by="all", limit=1)

    def submit(self, unit: WorkUnit, media: MediaInfo, inputs: Inputs) -> Submission:
        self.script.submissions += 1
        return self.script.submit()

    def poll(self, jobs: Sequence[str]) -> Mapping[str, JobStatus]:
        status = self.script.poll()
        return {} if status is None else dict.fromkeys(jobs, status)

    def fetch(self, job: str) -> Iterator[bytes]:
        yield from self.script.fetch()

    def cancel(self, job: str) -> bool:
        return self.script.stops


class ScriptedCalls(_Scripted, Calls):
    """A provider that returns its result at once."""

    def call(self, unit: WorkUnit, inputs: Inputs, progress: Any) -> Sequence[bytes]:
        self.script.submissions += 1
        return self.script.submit().pages or ()


class SecondChoice(ScriptedCalls):
    """The provider that is tried next, and succeeds."""

    name = "second"
    paid = False


def failing(category: FailureCategory, *, accepted: bool) -> Callable[[], Any]:
    """Return what raises an error of this category."""

    def fail() -> Any:
        raise ProviderError("it says no", category=category, remedy="Look.", accepted=accepted)

    return fail


def raising(error: PipelineError) -> Callable[[], Any]:
    """Return what raises this error."""

    def fail() -> Any:
        raise error

    return fail


def job_failed(category: FailureCategory) -> Callable[[], JobStatus]:
    """Return the status of a job that failed for this reason."""
    failure = UnitFailure(category=category, message="the job failed")
    return lambda: JobStatus(state="failed", failure=failure)


class Stage:
    """One unit of one video, at a provider with a script."""

    def __init__(
        self, catalog: Catalog, folder: Path, video: str, script: Script, *, jobs: bool = True
    ) -> None:
        self.key = VideoKey(project="acme", video=video)
        self.script, self.second = script, Script(lambda: Submission(pages=(b"page",)))
        self.plugin = (ScriptedJobs if jobs else ScriptedCalls)(script)
        self.pauses: list[float] = []
        plugins = {"first": self.plugin, "second": SecondChoice(self.second)}
        for name in ("ingest", "outputs", "scratch"):
            (folder / name).mkdir(exist_ok=True)
        self.services = Services(
            catalog=catalog,
            ingest=FolderIngest(folder / "ingest"),
            outputs=FolderOutputs(folder / "outputs"),
            media=ChildMediaReader(),
            plugins=plugins,
            choices=Choices(phases={Phase.SHOTS: PhaseChoice(providers=("first", "second"))}),
            scratch=folder / "scratch",
            policy=WorkPolicy(attempts=2),
            clock=lambda: NOW,
            sleep=self.pauses.append,
            random=lambda: 0.0,
        )
        self._register()

    def _register(self) -> None:
        project = self.services.of(self.key.project)
        source = Source(
            key=self.key,
            object_key=f"{self.key.prefix}video.mp4",
            name=self.key.video,
            version="1",
            size=5,
        )
        project.videos.register(source, NOW)
        project.videos.set_sha256(self.key.video, "1", _CONTENT)
        project.videos.set_media(self.key.video, _CONTENT, _MEDIA)

    @property
    def units(self) -> Any:
        return self.services.of(self.key.project).units

    def opened(self, state: UnitState, begun: datetime = NOW - timedelta(minutes=1)) -> WorkUnit:
        """Make the unit as a process left it that died."""
        assigner = Assigner(self.key, _CONTENT, Subject(_MEDIA, None, ""))
        (planned,) = assigner.plan("first", self.plugin, [Phase.SHOTS])
        unit = self.units.open(planned.request, 0, planned.usage, begun)
        unit = bring_to(self.units, unit, state, begun, job="7", poll_at=NOW)
        if state not in (UnitState.PLANNED, UnitState.IN_DOUBT):
            assert Gate(self.services, self.plugin, unit.request).admit(unit) is None
        return unit

    def waiting(self) -> WorkUnit:
        """Put the unit into the backlog, with a parked run."""
        unit = self.opened(UnitState.PLANNED)
        Gate(self.services, self.plugin, unit.request).queue(unit, FULL)
        return unit

    def refuse(self, unit: WorkUnit, times: int) -> None:
        """Count refusals of the unit, as if others had been accepted since."""
        over = Wait(kind=WaitKind.PROVIDER, until=NOW - timedelta(seconds=1))
        for _ in range(times):
            self.units.defer(unit.id, over)

    def run(self, **changes: Any) -> dict[str, JsonValue]:
        """Make one run of the phase, and return what became of the unit."""
        services = replace(self.services, **changes)
        try:
            outcome = analyse(services, self.key, {Phase.SHOTS})[Phase.SHOTS]
        except PipelineError as error:
            return {"raises": type(error).__name__, **self.found()}
        return {"phase": str(outcome.state), **self.found(), "passes": outcome.passes}

    def sweep(self) -> dict[str, JsonValue]:
        """Make one round of the sweep, and return what became of the unit."""
        round_ = make_round(self.services, NOW)
        return {"wakes a run": bool(round_.ready), **self.found()}

    def cancel(self, unit: WorkUnit) -> dict[str, JsonValue]:
        """Cancel the unit, and return what became of it."""
        cancel(self.services, self.key, [unit.id], "cancelled")
        return self.found()

    def found(self) -> dict[str, JsonValue]:
        """Return the unit, its slot and minutes, and who was asked how often."""
        units = self.units.of_video(self.key.video)
        first = [unit for unit in units if unit.request.provider == "first"]
        unit = first[-1]
        (pool, *_) = self.services.catalog.admissions.pools() or [None]
        reserved = self.services.catalog.admissions.used(NOW.date(), project=self.key.project)
        held = {slot.unit for slot in pool.holders} if pool else set[str]()
        waits = None if unit.due_at is None else (unit.due_at - NOW).total_seconds()
        deferred = waits if waits and waits > 0 else 0
        facts: dict[str, JsonValue] = {
            "state": str(unit.state),
            "generation": unit.generation,
            "unwanted": unit.unwanted,
            "deferred": deferred,
            "refused": unit.refusals,
            "unfetched": unit.fetch_failures,
            "failure": str(unit.failure.category) if unit.failure else None,
            "billed": bool(unit.settled),
            "slot": unit.id in held,
            "minutes": bool(reserved),
            "pool paused": bool(pool and pool.paused),
            "asked": self.script.submissions,
            "pauses": [round(pause, 2) for pause in self.pauses],
            "next provider": self.second.submissions > 0,
        }
        return {name: fact for name, fact in facts.items() if fact not in (False, 0, None, [])}
