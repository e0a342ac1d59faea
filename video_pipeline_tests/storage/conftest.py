"""What the tests of stores in buckets share: real servers, started once, and new buckets."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from video_pipeline_tests.contracts.storage_contract import Deliver
from video_pipeline_tests.stage.s3_servers import SERVERS, S3Server

KINDS = ("moto", "moto-versioned", "ministack", "swift", "swift-versioned")
"""Ministack with versions gives whole objects where a range of a version is asked for."""


@dataclass(frozen=True)
class MadeBucket:
    """A bucket with its server and the client of its owner."""

    server: S3Server
    name: str
    client: Any


class Servers:
    """Starts each server when it is first asked for."""

    def __init__(self, stack: ExitStack, folders: pytest.TempPathFactory) -> None:
        self._stack, self._folders = stack, folders
        self._running: dict[str, S3Server] = {}

    def __getitem__(self, name: str) -> S3Server:
        if name not in self._running:
            served = SERVERS[name](self._folders.mktemp(name))
            self._running[name] = self._stack.enter_context(served)
        return self._running[name]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack, tmp_path_factory)


def made_bucket(server: S3Server, *, versioned: bool = False) -> MadeBucket:
    """A new, empty bucket."""
    client, name = server.clients().client("s3"), f"videos-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=name)
    if versioned:
        status = {"Status": "Enabled"}
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration=status)
    return MadeBucket(server, name, client)


@pytest.fixture(params=KINDS)
def bucket(request: pytest.FixtureRequest, servers: Servers) -> MadeBucket:
    """A bucket of each kind of server, with and without versions."""
    name, _, versioned = request.param.partition("-")
    return made_bucket(servers[name], versioned=bool(versioned))


@pytest.fixture
def moto_bucket(servers: Servers) -> MadeBucket:
    """A bucket of moto without versions."""
    return made_bucket(servers["moto"])


@pytest.fixture
def versioned_bucket(servers: Servers) -> MadeBucket:
    """A bucket of moto with versions."""
    return made_bucket(servers["moto"], versioned=True)


def putting(made: MadeBucket) -> Deliver:
    """Puts bytes under keys, as an owner of videos does."""

    def put(key: str, content: bytes) -> None:
        made.client.put_object(Bucket=made.name, Key=key, Body=content)

    return put
