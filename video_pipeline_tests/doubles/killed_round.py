"""A round of arrivals in its own process, killed with SIGKILL at a chosen moment.

The bucket, the queue and MongoDB are real and outlive it.
"""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.notifications.queue import Delivery
from video_pipeline.notifications.sqs import SqsNotices
from video_pipeline.pipeline.arrivals.round import Memory, receive
from video_pipeline.pipeline.policies import ArrivalPolicy, Choices
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.local.folder import FolderOutputs
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline_tests.servers.s3_servers import S3Server

BEFORE_ACKNOWLEDGING, AFTER_ACKNOWLEDGING = "before acknowledging", "after acknowledging"
_SECONDS = 60


@dataclass(frozen=True)
class RoundSetup:
    """The servers of the process, and when it is killed.

    `dies` is the moment before or after an acknowledgement, or a number of registered videos.
    """

    uri: str
    database: str
    server: S3Server
    bucket: str
    queue: str
    folder: Path
    dies: str | int
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)


def run_until_killed(setup: RoundSetup) -> None:
    """Run a round until it is killed. Raises AssertionError if it ends otherwise."""
    process = multiprocessing.get_context("forkserver").Process(target=_round, args=(setup,))
    process.start()
    process.join(_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
    assert process.exitcode == -signal.SIGKILL, process.exitcode


class _Dying(SqsNotices):
    dies: str | int = 0

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        if self.dies == BEFORE_ACKNOWLEDGING:
            _die()
        super().acknowledge(deliveries)
        if self.dies == AFTER_ACKNOWLEDGING:
            _die()


def _round(setup: RoundSetup) -> None:
    clients = setup.server.clients()
    sqs = clients.client("sqs", setup.server.endpoint)
    queue = _Dying(sqs, setup.bucket, setup.queue, wait_seconds=0, visibility_seconds=1)
    queue.dies = setup.dies
    catalog = connect(setup.uri, setup.database)
    if isinstance(setup.dies, int):
        _die_after(catalog, setup.dies)
    services = Services(
        catalog=catalog,
        ingest=S3Ingest(clients.client("s3"), setup.bucket),
        notices=queue,
        arrivals=ArrivalPolicy(pause_seconds=1e9),
        outputs=FolderOutputs(setup.folder / "outputs"),
        media=ChildMediaReader(),
        plugins={},
        choices=Choices(),
        scratch=setup.folder,
    )
    memory = Memory.model_validate({"position": {"ended": setup.now}})
    receive(services, memory, setup.now)


def _die_after(catalog: Catalog, count: int) -> None:
    videos = type(catalog.project("acme").videos)
    register, left = videos.register, [count]

    def dying(*arguments: Any, **more: Any) -> bool:
        if not left[0]:
            _die()
        left[0] -= 1
        return register(*arguments, **more)

    videos.register = dying


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
