"""What the use cases work with, put together by the composition root."""

import os
import random
import socket
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import Removal
from video_pipeline.domain.values import Frozen
from video_pipeline.media.reader import MediaReader
from video_pipeline.notices.queue import NoticeQueue
from video_pipeline.pipeline.choices import Choices
from video_pipeline.pipeline.limits import Limits
from video_pipeline.plugins.base import Plugin
from video_pipeline.storage.store import IngestStore, OutputStore

Notify = Callable[[Phase, PhaseState, int | None, str], None]
"""Told of every step of progress: phase, state, percent, message."""


class WorkPolicy(Frozen):
    """How work units are driven. Times in seconds."""

    lease_seconds: float = 20.0
    """How long a unit stays taken after its holder was last heard of."""
    in_doubt: Literal["hold", "retry"] = "hold"
    attempts: int = 4
    """How often a request that was throttled is made in one run."""
    backoff_seconds: float = 1.0
    backoff_ceiling_seconds: float = 30.0
    dead_after: int = Field(default=5, ge=1)
    """In how many runs a phase may fail for reasons that a retry could mend, before it is asked
    for only when it is revived or forced."""
    workers: int = 2
    """How many single-threaded jobs of one run work side by side."""


class ArrivalPolicy(Frozen):
    """How arrivals are found, and what becomes of videos whose objects are gone."""

    keys_a_tick: PositiveInt = 10_000
    """How many keys of the ingest store one tick of the sensor lists."""
    messages_a_tick: PositiveInt = 1_000
    """How many messages of the queue one tick takes up."""
    pause_seconds: NonNegativeFloat | None = None
    """Between two sweeps of the ingest store. Without it: none, and 900 where a queue tells of
    arrivals, since a sweep then only finds what the queue has lost."""
    removal: Removal = Removal.KEEP
    """What becomes of a video whose object is gone: keep, archive or delete."""
    missing_seconds: NonNegativeFloat = 300.0
    """How long a sweep must have missed a video before it is taken for removed: a place that was
    mounted wrongly, or is just being moved, can be put right meanwhile."""
    removals_at_once: NonNegativeInt = 100
    """Where more videos of one project are missing at once, none is taken for removed: the wrong
    place may have been looked at."""
    removals_share: float = Field(default=0.5, ge=0, le=1)
    """The same where more than five, and more than this share of its videos, are missing."""


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
