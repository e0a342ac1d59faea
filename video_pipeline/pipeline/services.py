"""The services that the use cases need, assembled by the composition root."""

import os
import random
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import ProjectId
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import Removal
from video_pipeline.domain.time import TimeRange
from video_pipeline.media.reader import MediaReader
from video_pipeline.notifications.queue import NoticeQueue
from video_pipeline.pipeline.policies import ArrivalPolicy, Choices, Limits, TruthPolicy, WorkPolicy
from video_pipeline.plugins.base import Plugin, Progress
from video_pipeline.plugins.inputs import Audio
from video_pipeline.storage.store import IngestStore, OutputStore

# Called with phase, state, percent and message at each step of progress.
Notify = Callable[[Phase, PhaseState, int | None, str], None]
# Returns where speech is in audio, on the video's clock.
FindSpeech = Callable[[Audio, Progress], tuple[TimeRange, ...]]


def now_utc() -> datetime:
    return datetime.now(UTC)


def this_process() -> str:
    """Return a unique name for this process as the holder of leases."""
    return f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"


def _quiet(phase: Phase, state: PhaseState, percent: int | None, message: str) -> None:
    pass


def _no_step(name: str) -> None:
    pass


@dataclass(frozen=True)
class Services:
    """The services of a running deployment."""

    catalog: Catalog
    ingest: IngestStore
    outputs: OutputStore
    media: MediaReader
    plugins: Mapping[str, Plugin]
    """By the name of their entry in pipeline.yaml."""
    choices: Choices
    scratch: Path
    """The local folder for the scratch folders of all runs."""
    find_speech: FindSpeech | None = None
    """None where no detector of speech is installed."""
    unavailable: Collection[str] = ()
    """Entries of pipeline.yaml whose plugin cannot be made here: a variable is not set."""
    scratch_bytes: int = 100 << 30
    """The quota of `scratch` for copies of remote sources."""
    policy: WorkPolicy = field(default_factory=WorkPolicy)
    limits: Limits = field(default_factory=Limits)
    truth: TruthPolicy = field(default_factory=TruthPolicy)
    arrivals: ArrivalPolicy = field(default_factory=ArrivalPolicy)
    removals: Mapping[str, Removal] = field(default_factory=dict[str, Removal])
    """Projects' exceptions from `arrivals.removal`."""
    notices: NoticeQueue | None = None
    """The queue of arrival notifications; None if only the listing sweep finds arrivals."""
    clock: Callable[[], datetime] = now_utc
    holder: str = field(default_factory=this_process)
    sleep: Callable[[float], None] = time.sleep
    elapsed: Callable[[], float] = time.monotonic
    """Seconds since any moment: what limits of time within a process are measured by."""
    random: Callable[[], float] = random.random
    """For jitter, in [0, 1)."""
    notify: Notify = _quiet
    on_step: Callable[[str], None] = _no_step
    """Called with the name of each durable step of a work unit, before the next one begins."""

    def of(self, project: str) -> ProjectCatalog:
        return self.catalog.project(project)

    def removal_of(self, project: str) -> Removal:
        """Return how a video of this project whose object is gone is removed."""
        return self.removals.get(project, self.arrivals.removal)


def projects_of(catalog: Catalog, named: str | None = None) -> Sequence[ProjectId]:
    """Return the named project, or all. Raises InputError if no video of it has arrived."""
    known = catalog.projects()
    if named is None:
        return known
    if named not in known:
        raise InputError(
            f"no video of a project {named!r} has arrived",
            remedy="Run `video-pipeline status` to list the projects.",
        )
    return [named]
