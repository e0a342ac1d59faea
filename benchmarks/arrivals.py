"""Measure how the sweep and notifications find a thousand new videos among a million objects.

    ./run bench arrivals [--objects 1000000] [--new 1000]

The catalogue is a real MongoDB that knows all objects but the new ones; the queue is a real server
of SQS; the bucket makes up its listing (see many_objects.py). Each way runs in a process of its
own, round after round as the sensor does, until the new videos are registered and, for the sweep,
one whole sweep is over. The baseline is the least that any full listing costs: boto3's paginator
over the bucket, and nothing else.

Memory is the growth of the process over its size before the first round.
"""

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pymongo import MongoClient
from rich.console import Console
from rich.table import Table

from benchmarks.many_objects import KeySpace, served
from video_pipeline.aws.versions import content_version
from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.server.embedded import EmbeddedServer
from video_pipeline.domain.source import Due
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.notifications.sqs import SqsNotices
from video_pipeline.pipeline.arrivals.round import Memory, receive
from video_pipeline.pipeline.policies import ArrivalPolicy, Choices
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.local.folder import FolderOutputs
from video_pipeline.storage.s3.clients import AwsClients
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.storage.s3.options import S3Options
from video_pipeline_tests.scenarios.support.known_videos import record_known
from video_pipeline_tests.servers.s3_servers import ministack

_BUCKET, _DATABASE = "many", "benchmark"
_VERSION = content_version('"d41d8cd98f00b204e9800998ecf8427e"', 1)
_THEN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Stage:
    """The addresses and folders that a measurement uses."""

    space: KeySpace
    new: int
    mongodb: str
    bucket: str
    sqs: str
    queue: str
    folder: Path

    def is_new(self, number: int) -> bool:
        """Whether the catalogue does not know the object yet: they are spread evenly."""
        return number % (self.space.objects // self.new) == 0

    def clients(self, endpoint: str) -> AwsClients:
        """Clients of a server of this stage."""
        secret = SecretStr("testing")
        options = S3Options.model_validate({"endpoint": endpoint, "region": "us-east-1"})
        return AwsClients(
            options.model_copy(update={"access_key_id": secret, "secret_access_key": secret})
        )


@dataclass(frozen=True)
class Measured:
    """The time and memory of a measurement."""

    seconds: float
    ticks: int
    median_tick: float
    longest_tick: float
    memory: float
    """Megabytes."""
    found: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--new", type=int, default=1_000)
    asked = parser.parse_args()
    space = KeySpace(asked.objects)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServer(Path(folder) / "mongodb") as mongodb,
        ministack(Path(folder)) as sqs,
        served(space) as bucket,
    ):
        stage = Stage(space, asked.new, mongodb, bucket, sqs.endpoint, "", Path(folder))
        queue = _client(stage).create_queue(QueueName="notices")["QueueUrl"]
        stage = Stage(**{**stage.__dict__, "queue": queue})
        _fill_queue(stage)
        _fill_catalogue(stage)
        told = {}
        for name, way in _WAYS.items():
            told[name] = _apart(way, stage)
            _forget_new(stage)
        _print(asked.objects, asked.new, told)


def _client(stage: Stage) -> Any:
    return stage.clients(stage.sqs).client("sqs", stage.sqs)


def _fill_catalogue(stage: Stage) -> None:
    """Everything but the new, as if it had arrived long ago."""
    known = (stage.space.key(n) for n in range(stage.space.objects) if not stage.is_new(n))
    record_known(stage.mongodb, _DATABASE, known, _VERSION, 1, _THEN)


def _forget_new(stage: Stage) -> None:
    """Forget the new objects for the next measurement."""
    with MongoClient[dict[str, Any]](stage.mongodb) as client:
        client[_DATABASE]["videos"].delete_many({"due": Due.RUN.value})


def _fill_queue(stage: Stage) -> None:
    client = _client(stage)
    for number in filter(stage.is_new, range(stage.space.objects)):
        message = _message(stage.space.key(number))
        client.send_message(QueueUrl=stage.queue, MessageBody=message)


def _message(key: str) -> str:
    stored = {"bucket": {"name": _BUCKET}, "object": {"key": key}}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": stored}]})


def _apart(way: Callable[[Stage], Measured], stage: Stage) -> Measured:
    """Run a measurement in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(way, (stage,))


def _services(stage: Stage, *, hears: bool) -> Services:
    s3 = stage.clients(stage.bucket).client("s3")
    notices = SqsNotices(_client(stage), _BUCKET, stage.queue) if hears else None
    return Services(
        catalog=connect(stage.mongodb, _DATABASE),
        ingest=S3Ingest(s3, _BUCKET),
        outputs=FolderOutputs(stage.folder / "outputs"),
        media=ChildMediaReader(),
        plugins={},
        choices=Choices(),
        scratch=stage.folder,
        arrivals=ArrivalPolicy(pause_seconds=1e9),
        notices=notices,
    )


def _rounds(services: Services, memory: Memory, ended: Callable[[Memory, int], bool]) -> Measured:
    services.catalog.projects()
    before, began = _memory(), time.perf_counter()
    ticks: list[float] = []
    found = 0
    while True:
        tick = time.perf_counter()
        told = receive(services, memory, _THEN)
        assert not told.troubles, told.troubles
        memory, found = Memory(position=told.position), found + len(told.looks.arrived)
        ticks.append(time.perf_counter() - tick)
        if ended(memory, found):
            break
    return Measured(
        seconds=time.perf_counter() - began,
        ticks=len(ticks),
        median_tick=statistics.median(ticks),
        longest_tick=max(ticks),
        memory=_memory() - before,
        found=found,
    )


def _memory() -> float:
    """The most that this process has held so far (Linux; `ru_maxrss` would count its parent's)."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


def _bare(stage: Stage) -> Measured:
    client = stage.clients(stage.bucket).client("s3")
    client.list_objects_v2(Bucket=_BUCKET, MaxKeys=1)
    before, began, found = _memory(), time.perf_counter(), 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET):
        found += len(page["Contents"])
    seconds = time.perf_counter() - began
    return Measured(seconds, 1, seconds, seconds, _memory() - before, found)


def _sweep(stage: Stage) -> Measured:
    whole = _rounds(
        _services(stage, hears=False), Memory(), lambda memory, _: memory.position.began is None
    )
    assert whole.found == stage.new, whole
    return whole


def _hear(stage: Stage) -> Measured:
    swept = Memory.model_validate({"position": {"ended": _THEN}})
    return _rounds(_services(stage, hears=True), swept, lambda _, found: found >= stage.new)


_WAYS: dict[str, Callable[[Stage], Measured]] = {
    "bare listing by boto3": _bare,
    "sweep": _sweep,
    "notices": _hear,
}


def _print(objects: int, new: int, told: dict[str, Measured]) -> None:
    table = Table(title=f"{new:,} new among {objects:,} objects")
    titles = ("seconds", "of bare listing", "ticks", "a tick: median", "longest", "memory, MB")
    for title in ("", *titles):
        table.add_column(title, justify="right" if title else "left")
    bare = told["bare listing by boto3"]
    for name, one in told.items():
        row = (one.seconds, one.seconds / bare.seconds, one.ticks, one.median_tick)
        figures = [f"{value:,.2f}" if isinstance(value, float) else str(value) for value in row]
        table.add_row(name, *figures, f"{one.longest_tick:.2f}", f"{one.memory:.0f}")
    Console(width=120).print(table)
    ratio = told["sweep"].seconds / told["notices"].seconds
    print(f"A whole sweep takes {ratio:.1f} times as long as the notices of what is new.")
    print(json.dumps({name: asdict(one) for name, one in told.items()}))


if __name__ == "__main__":
    main()
