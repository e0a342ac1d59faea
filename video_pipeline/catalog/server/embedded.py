"""The embedded MongoDB for trials and tests: one server for all processes of a checkout.

It is MongoDB Community Server, licensed under the SSPL. It listens on a Unix socket in a folder of
mode 0700 and opens no TCP port. It is a replica set of one, with network compression off.

Two locks in the folder coordinate its users. `start.lock` is held during start and stop.
`users.lock` is shared by all users: a user that gets it exclusively is the last, and stops the
server. The kernel releases the locks of a killed process.

A server that lives but does not answer is neither ended nor replaced, for its data has one owner.
"""

import fcntl
import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from enum import Enum, auto
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
# How long a server may leave a user without an answer. With the last question and the start of a
# command, 5 s pass.
_ANSWER_SECONDS = 3.0
_QUESTION_SECONDS = 1.0


class _Reply(Enum):
    """What a server replies to the question whether it accepts writes."""

    WRITABLE = auto()
    NOT_YET = auto()
    NONE = auto()


class EmbeddedServer:
    """One user of the server with its data in `folder`, which is created if missing.

    The use ends with this object: keep it as long as the server is needed. `patience_seconds`
    limits the wait for a server that does not answer; it is 3 s at least.
    """

    def __init__(self, folder: Path, patience_seconds: float = 0) -> None:
        self._folder = folder.absolute()
        self._mongod = Mongod(self._folder)
        self._patience = max(patience_seconds, _ANSWER_SECONDS)
        self._users: TextIO | None = None
        self._owner = 0

    def acquire(self) -> str:
        """Start the server unless it runs, and return its URI once it accepts writes. Repeatable.

        Raises ConfigurationError if there is no mongod or the folder belongs to another user,
        CatalogError if the server does not start, and CatalogUnavailable if it does not answer.
        """
        self._make_folder()
        end = time.monotonic() + self._patience
        with self._turn(end) as turn:
            users = self._held() or (self._folder / "users.lock").open("w")
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                socket = self._serve(end, turn)
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
        with users:
            # Before the wait for the other lock: who holds that one may then be the last.
            fcntl.flock(users, fcntl.LOCK_UN)
            try:
                with self._turn(time.monotonic() + self._patience) as turn:
                    if _locks(users):
                        _mark(turn)
                        self._mongod.stop()
                        self._discard_socket()
            except CatalogUnavailable as error:
                _log.debug("left to its other users: %s", error)

    def pid(self) -> int | None:
        """Return the process of the server, if it runs."""
        return self._mongod.pid()

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
    def _turn(self, end: float) -> Generator[TextIO]:
        """Hold `start.lock`, and yield it.

        Its holder writes into it before a start or stop, which is awaited. Otherwise the holder
        waits for the server itself: from `end` on that raises CatalogUnavailable.
        """
        last = time.monotonic() + START_SECONDS
        with (self._folder / "start.lock").open("a+") as lock:
            while not _locks(lock):
                now = time.monotonic()
                if os.fstat(lock.fileno()).st_size:
                    end = max(end, now + _QUESTION_SECONDS)  # until its holder lets go of it
                if now > min(end, last):
                    raise self._unready()
                time.sleep(0.02)
            lock.truncate(0)
            yield lock
            lock.truncate(0)

    def _serve(self, end: float, turn: TextIO) -> Path:
        """Return the server's socket once it accepts writes.

        A server that is found but ends meanwhile, as after a kill, is started again.
        """
        socket = self._recorded()
        if socket is None or self._is_unreachable(socket) or not self._takes_writes(socket, end):
            _mark(turn)
            self._mongod.stop()
            self._discard_socket()
            socket = self._place_socket()
            _log.info("starting the embedded MongoDB (SSPL) in %s", self._folder)
            self._mongod.start(socket)
            if not self._takes_writes(socket, time.monotonic() + START_SECONDS):
                raise self._unready()
        return socket

    def _is_unreachable(self, socket: Path) -> bool:
        """Return whether the server listens on a socket that was deleted."""
        return not socket.exists() and self._mongod.listens()

    def _takes_writes(self, socket: Path, end: float) -> bool:
        """Wait until the server accepts writes, and initiate its replica set if necessary.

        Returns False if there is no process. Raises CatalogUnavailable if it does not answer until
        `end`, or answers but accepts no writes for a minute.
        """
        last = time.monotonic() + START_SECONDS
        while self._mongod.is_locked():
            reply = _asked(socket)
            if reply is _Reply.WRITABLE:
                return True
            now = time.monotonic()
            late = now > last or (now > end and reply is _Reply.NONE)
            if late and self._mongod.is_locked():  # it has not ended meanwhile
                raise self._unready()
            time.sleep(0.02)
        return False

    def _unready(self) -> CatalogUnavailable:
        pid = self.pid()
        if pid is None:
            what, remedy = "has ended", "Try again, or set MONGODB_URI."
        else:
            what = f"does not answer or accepts no writes, though its process {pid} lives"
            remedy = (
                f"Wait. If it is stopped, run: kill -CONT {pid}. If you end it, the next command"
                " starts another."
            )
        return CatalogUnavailable(
            f"the embedded MongoDB {what}", where=str(self._folder), remedy=remedy
        )

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


def _locks(file: TextIO) -> bool:
    """Lock a file exclusively. Return False if another process has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _mark(turn: TextIO) -> None:
    """Note in a lock that its holder starts or stops the server."""
    with suppress(OSError):  # on a full disk others wait for less long
        os.write(turn.fileno(), b"starting or stopping")


def _asked(socket: Path) -> _Reply:
    """Ask a server whether it accepts writes, and take it over if it is new or was moved."""
    patience = int(_QUESTION_SECONDS * 1000)
    # A new client each time: one made before the set has a primary gets no sessions.
    with MongoClient[dict[str, Any]](
        _direct_uri(socket),
        serverSelectionTimeoutMS=patience,
        connectTimeoutMS=patience,
        # For a server that stands still in the middle of an answer. An initiation may take long.
        socketTimeoutMS=5 * patience,
    ) as client:
        try:
            return _Reply.WRITABLE if _is_primary(client, str(socket)) else _Reply.NOT_YET
        except OperationFailure as error:
            _log.debug("%s does not accept writes yet: %s", socket, error)
            return _Reply.NOT_YET
        except PyMongoError as error:
            _log.debug("%s does not answer: %s", socket, error)
            return _Reply.NONE


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
