"""Three embedded MongoDB servers as one replica set. Each can be killed and restarted.

Elections are fast, and a test can make chosen commands fail.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient

from video_pipeline.catalog.server.mongod import REPLICA_SET, Mongod

# MongoDB's defaults are 10,000 and 2,000 ms.
_SETTINGS = {"electionTimeoutMillis": 1500, "heartbeatIntervalMillis": 300}


class Member(Mongod):
    """One server, with MongoDB's test commands enabled."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.socket = folder / "m.sock"

    def start_again(self) -> None:
        """Start it on its existing data and socket."""
        self.socket.unlink(missing_ok=True)
        self.start(self.socket)

    def kill(self) -> None:
        """End it with SIGKILL."""
        pid = self.pid()
        assert pid
        os.kill(pid, signal.SIGKILL)
        self._gone()

    def _command(self, binary: Path, socket: Path) -> list[str]:
        return [*super()._command(binary, socket), "--setParameter", "enableTestCommands=1"]


class ReplicaSet:
    """Three members and their connection string."""

    def __init__(self, folder: Path) -> None:
        self.members = [Member(folder / str(number)) for number in range(3)]
        hosts = ",".join(quote(str(member.socket), safe="") for member in self.members)
        self.uri = f"mongodb://{hosts}/?replicaSet={REPLICA_SET}"

    def begin(self) -> None:
        """Start all members, and return once one of them accepts writes."""
        for member in self.members:
            member.start_again()
        hosts = [{"_id": n, "host": str(m.socket)} for n, m in enumerate(self.members)]
        told = {"_id": REPLICA_SET, "members": hosts, "settings": _SETTINGS}
        with self._client(self.members[0]) as client:
            client.admin.command("replSetInitiate", told)
        self.primary()

    def primary(self) -> Member:
        """Wait for a primary, at most 30 s, and return it."""
        with MongoClient[dict[str, Any]](self.uri, serverSelectionTimeoutMS=30_000) as client:
            socket = client.admin.command("hello")["me"]
        return next(member for member in self.members if str(member.socket) == socket)

    def step_down(self) -> None:
        """Make the primary step down, so that another member is elected."""
        with self._client(self.primary()) as client:
            client.admin.command("replSetStepDown", 5, secondaryCatchUpPeriodSecs=4)

    def answers_are_lost(self, command: str, times: int) -> None:
        """Make the primary answer `command` with a write concern error, the next `times` times.

        It executes the command, but reports that the other members may not have the write.
        """
        self._disturb(command, times, writeConcernError={"code": 89, "errmsg": "lost"})

    def answers_are_late(self, command: str, times: int, milliseconds: int) -> None:
        """Make the primary wait before it executes `command`, the next `times` times."""
        self._disturb(command, times, blockConnection=True, blockTimeMS=milliseconds)

    def _disturb(self, command: str, times: int, **how: Any) -> None:
        data = {"failCommands": [command], **how}
        with self._client(self.primary()) as client:
            client.admin.command(
                {"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data}
            )

    def end(self) -> None:
        """Kill all running members. On a normal shutdown, a primary would wait for the others."""
        for member in self.members:
            if member.pid():
                member.kill()

    def _client(self, member: Member) -> MongoClient[dict[str, Any]]:
        socket = quote(str(member.socket), safe="")
        return MongoClient(f"mongodb://{socket}/?directConnection=true")


@contextmanager
def replica_set(folder: Path) -> Iterator[ReplicaSet]:
    """Start a replica set in a folder. Its servers end with the block."""
    servers = ReplicaSet(folder)
    try:
        servers.begin()
        yield servers
    finally:
        servers.end()
