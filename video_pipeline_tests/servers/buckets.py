"""New buckets on real S3 servers. Each server starts at its first use."""

import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from video_pipeline_tests.servers.s3_servers import SERVERS, S3Server


@dataclass(frozen=True)
class MadeBucket:
    """A bucket, its server and the owner's client."""

    server: S3Server
    name: str
    client: Any

    def put(self, key: str, content: bytes) -> None:
        """Put bytes under a key, as the owner of a video does."""
        self.client.put_object(Bucket=self.name, Key=key, Body=content)


class Servers:
    """The S3 servers by name. They stop when the exit stack closes."""

    def __init__(self, stack: ExitStack, new_folder: Callable[[str], Path]) -> None:
        self._stack, self._new_folder = stack, new_folder
        self._running: dict[str, S3Server] = {}
        self._clients: dict[str, Any] = {}

    def __getitem__(self, name: str) -> S3Server:
        if name not in self._running:
            served = SERVERS[name](self._new_folder(name))
            self._running[name] = self._stack.enter_context(served)
        return self._running[name]

    def client(self, name: str) -> Any:
        """Return a client shared by many tests: making one takes longer than most tests."""
        if name not in self._clients:
            self._clients[name] = self[name].clients().client("s3")
        return self._clients[name]


def made_bucket(server: S3Server, *, versioned: bool = False, client: Any = None) -> MadeBucket:
    """Make an empty bucket, with a new client unless one is given."""
    client = client or server.clients().client("s3")
    name = f"videos-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=name)
    if versioned:
        status = {"Status": "Enabled"}
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration=status)
    return MadeBucket(server, name, client)


def fetched_bytes(client: Any) -> list[int]:
    """Return a list that collects the size in bytes of every later GetObject response."""
    found: list[int] = []

    def count(parsed: dict[str, Any], **_: object) -> None:
        found.append(parsed.get("ContentLength", 0))

    client.meta.events.register("after-call.s3.GetObject", count)
    return found
