"""What the use cases work with, put together by the composition root."""

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
from video_pipeline.media.reader import MediaReader
from video_pipeline.notifications.queue import NoticeQueue
from video_pipeline.pipeline.policies import ArrivalPolicy, Choices, Limits, WorkPolicy
from video_pipeline.plugins.base import Plugin
from video_pipeline.storage.store import IngestStore, OutputStore

Notify = Callable[[Phase, PhaseState, int | None, str], None]
"""Told of every step of progress: phase, state, percent, message."""


def now_utc() -> datetime:
    """The real clock, aware, in UTC."""
    return datetime.now(UTC)


def this_process() -> str:
    """A name for whoever holds a lease: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"


def _quiet(phase: Phase, state: PhaseState, percent: int | None, message: str) -> None:
    pass


def _no_step(name: str) -> None:
    pass


@dataclass(frozen=True)
class Services:
    """The parts of a running deployment."""

    catalog: Catalog
    ingest: IngestStore
    outputs: OutputStore
    media: MediaReader
    plugins: Mapping[str, Plugin]
    """By the instance's name in pipeline.yaml."""
    choices: Choices
    scratch: Path
    """A folder of this machine, below which each run has one of its own."""
    unavailable: Collection[str] = ()
    """Entries of pipeline.yaml whose plugin cannot be made here: a variable is not set."""
    scratch_bytes: int = 100 << 30
    """How much copies of remote sources may take there."""
    policy: WorkPolicy = field(default_factory=WorkPolicy)
    limits: Limits = field(default_factory=Limits)
    """What a day may cost."""
    arrivals: ArrivalPolicy = field(default_factory=ArrivalPolicy)
    removals: Mapping[str, Removal] = field(default_factory=dict[str, Removal])
    """By project, where one decides otherwise than `arrivals.removal`."""
    notices: NoticeQueue | None = None
    """Where the ingest store tells of what arrives; None: it is only swept."""
    clock: Callable[[], datetime] = now_utc
    holder: str = field(default_factory=this_process)
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    """In [0, 1): for jitter."""
    notify: Notify = _quiet
    on_step: Callable[[str], None] = _no_step
    """Told of each durable step of a work unit by name, before the next begins."""

    def of(self, project: str) -> ProjectCatalog:
        """The catalogue of one project."""
        return self.catalog.project(project)

    def removal_of(self, project: str) -> Removal:
        """What becomes of a video of this project whose object is gone."""
        return self.removals.get(project, self.arrivals.removal)


def projects_of(services: Services, named: str | None = None) -> Sequence[ProjectId]:
    """The one that is named, or all. Raises InputError where nothing of that one has arrived."""
    there = services.catalog.projects()
    if named is None:
        return there
    if named not in there:
        raise InputError(
            f"no video of a project {named!r} has arrived",
            remedy="See `video-pipeline status` for the projects that there are.",
        )
    return [named]
