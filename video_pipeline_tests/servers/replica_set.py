"""Three embedded MongoDB servers as one replica set, each of which can be killed and come back.

Their elections are quick, and they let a test say how a request shall fail.
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

# MongoDB's own are 10,000 and 2,000.
_SETTINGS = {"electionTimeoutMillis": 1500, "heartbeatIntervalMillis": 300}


class Member(Mongod):
    """One server, that takes commands of tests."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.socket = folder / "m.sock"

    def start_again(self) -> None:
        """Start it over its data, on its socket."""
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
    """Three members and their address."""

    def __init__(self, folder: Path) -> None:
        self.members = [Member(folder / str(number)) for number in range(3)]
        hosts = ",".join(quote(str(member.socket), safe="") for member in self.members)
        self.uri = f"mongodb://{hosts}/?replicaSet={REPLICA_SET}"

    def begin(self) -> None:
        """Start all, and return once one of them takes writes."""
        for member in self.members:
            member.start_again()
        hosts = [{"_id": n, "host": str(m.socket)} for n, m in enumerate(self.members)]
        told = {"_id": REPLICA_SET, "members": hosts, "settings": _SETTINGS}
        with self._client(self.members[0]) as client:
            client.admin.command("replSetInitiate", told)
        self.primary()

    def primary(self) -> Member:
        """The member that takes writes, once there is one."""
        with MongoClient[dict[str, Any]](self.uri, serverSelectionTimeoutMS=30_000) as client:
            socket = client.admin.command("hello")["me"]
        return next(member for member in self.members if str(member.socket) == socket)

    def step_down(self) -> None:
        """Let the primary hand over to another."""
        with self._client(self.primary()) as client:
            client.admin.command("replSetStepDown", 5, secondaryCatchUpPeriodSecs=4)

    def answers_are_lost(self, command: str, times: int) -> None:
        """The primary does what these next requests ask, and answers that it does not know whether
        the others have it."""
        lost = {"failCommands": [command], "writeConcernError": {"code": 89, "errmsg": "lost"}}
        with self._client(self.primary()) as client:
            client.admin.command(
                {"configureFailPoint": "failCommand", "mode": {"times": times}, "data": lost}
            )

    def end(self) -> None:
        """End all that run; asked to, a primary would wait for the others first."""
        for member in self.members:
            if member.pid():
                member.kill()

    def _client(self, member: Member) -> MongoClient[dict[str, Any]]:
        socket = quote(str(member.socket), safe="")
        return MongoClient(f"mongodb://{socket}/?directConnection=true")


@contextmanager
def replica_set(folder: Path) -> Iterator[ReplicaSet]:
    """A running replica set in a folder; its servers are ended with the block."""
    servers = ReplicaSet(folder)
    try:
        servers.begin()
        yield servers
    finally:
        servers.end()
