"""The embedded MongoDB for trials and tests: one server for all processes of a checkout.

It is MongoDB Community Server, licensed under the SSPL. It listens on a Unix socket in a folder of
mode 0700 and opens no TCP port. It is a replica set of one, with network compression off.

Two locks in the folder coordinate its users. `start.lock` is held during start and stop.
`users.lock` is shared by all users: a user that gets it exclusively is the last, and stops the
server. The kernel releases the locks of a killed process.
"""

import fcntl
import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from video_pipeline.catalog.server.mongod import REPLICA_SET, START_SECONDS, Mongod
from video_pipeline.domain.errors import CatalogUnavailable, ConfigurationError

_log = logging.getLogger(__name__)

_SOCKET = "mongod.sock"
_RECORD = "server.json"
# Fits a socket's address (104 bytes on macOS) and a member's name in a replica set.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]{1,100}")
_NOT_INITIALISED = 94


class EmbeddedServer:
    """One user of the server with its data in `folder`, which is created if missing.

    The use ends with this object: keep it as long as the server is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._mongod = Mongod(self._folder)
        self._users: TextIO | None = None
        self._owner = 0

    def acquire(self) -> str:
        """Start the server unless it runs, and return its URI once it accepts writes. Repeatable.

        Raises ConfigurationError if there is no mongod or the folder belongs to another user, and
        CatalogError if the server does not start.
        """
        self._make_folder()
        with self._starting():
            users = self._held() or (self._folder / "users.lock").open("w")
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                socket = self._serve()
            except BaseException:
                users.close()
                self._users = None
                raise
            self._users, self._owner = users, os.getpid()
        return _uri(socket)

    def release(self) -> None:
        """End the use. The last user stops the server."""
        users, self._users = self._held(), None
        if users is None:
            return
        with self._starting(), users:
            fcntl.flock(users, fcntl.LOCK_UN)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._mongod.stop()
            self._discard_socket()

    def __enter__(self) -> str:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
        except OSError as error:
            raise ConfigurationError(
                f"the embedded MongoDB cannot use this folder: {error.strerror}",
                where=str(self._folder),
                remedy="Name a folder of your own in VIDEO_PIPELINE_HOME, or set MONGODB_URI.",
            ) from error

    def _held(self) -> TextIO | None:
        """Return this process's own lock. One inherited by a fork belongs to the parent."""
        return self._users if self._owner == os.getpid() else None

    @contextmanager
    def _starting(self) -> Generator[None]:
        with (self._folder / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _serve(self) -> Path:
        """Return the server's socket once it accepts writes.

        A server that is found but ends meanwhile, as after a kill, is started again.
        """
        socket = self._recorded()
        if socket is None or not socket.exists() or not self._takes_writes(socket):
            self._mongod.stop()
            self._discard_socket()
            socket = self._place_socket()
            _log.info("starting the embedded MongoDB (SSPL) in %s", self._folder)
            self._mongod.start(socket)
            if not self._takes_writes(socket):
                raise _unready(socket)
        return socket

    def _takes_writes(self, socket: Path) -> bool:
        """Wait until the server accepts writes, and initiate its replica set if necessary.

        Returns False if there is no process. Raises CatalogUnavailable.
        """
        end = time.monotonic() + START_SECONDS
        while self._mongod.pid() is not None:
            if _took_over(socket):
                return True
            if time.monotonic() > end:
                raise _unready(socket)
            time.sleep(0.02)
        return False

    def _recorded(self) -> Path | None:
        """Return the recorded socket, or None if the folder was moved or copied since."""
        try:
            record = json.loads((self._folder / _RECORD).read_text())
        except FileNotFoundError:
            return None
        return Path(record["socket"]) if record["folder"] == str(self._folder) else None

    def _place_socket(self) -> Path:
        socket = self._folder / _SOCKET
        if not _PLAIN_PATH.fullmatch(str(socket)):
            socket = Path(tempfile.mkdtemp(prefix="video-pipeline-")) / _SOCKET
        record = {"folder": str(self._folder), "socket": str(socket)}
        written = self._folder / f"{_RECORD}.new"
        written.write_text(json.dumps(record))
        written.replace(self._folder / _RECORD)
        return socket

    def _discard_socket(self) -> None:
        socket = self._recorded()
        if socket is None:
            return
        socket.unlink(missing_ok=True)
        if socket.parent != self._folder and socket.parent.exists():
            socket.parent.rmdir()


def _uri(socket: Path) -> str:
    """Return a URI with the replica set, so that clients wait for a primary during a restart."""
    return f"mongodb://{quote(str(socket), safe='')}/?replicaSet={REPLICA_SET}"


def _direct_uri(socket: Path) -> str:
    return f"mongodb://{quote(str(socket), safe='')}/?directConnection=true"


def _took_over(socket: Path) -> bool:
    # A new client each time: one made before the set has a primary gets no sessions.
    with MongoClient[dict[str, Any]](_direct_uri(socket), serverSelectionTimeoutMS=1000) as client:
        try:
            return _is_primary(client, str(socket))
        except PyMongoError as error:
            _log.debug("%s does not accept writes yet: %s", socket, error)
            return False


def _unready(socket: Path) -> CatalogUnavailable:
    return CatalogUnavailable(
        f"the embedded MongoDB has ended, or accepts no writes after {START_SECONDS:g} s",
        where=str(socket),
        remedy="End its mongod process and try again, or set MONGODB_URI.",
    )


def _is_primary(client: MongoClient[dict[str, Any]], host: str) -> bool:
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_INITIALISED:
            raise
        members = [{"_id": 0, "host": host}]
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        return False
    if config["members"][0]["host"] != host:
        config["members"][0]["host"] = host
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)
        return False
    return bool(client.admin.command("hello")["isWritablePrimary"])
