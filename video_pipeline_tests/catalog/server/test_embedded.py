"""What the packaged server promises: private, shared, durable, and gone after its last user."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pymongo import MongoClient

from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.server import embedded
from video_pipeline.catalog.server.embedded import EmbeddedServer
from video_pipeline.catalog.server.mongod import Mongod, locate_mongod, missing_libraries
from video_pipeline.domain.errors import CatalogError, CatalogUnavailable, ConfigurationError

USER = """
import sys
from pathlib import Path
from video_pipeline.catalog.server.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
print(server.acquire(), flush=True)
sys.stdin.read()
"""


def client_of(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=5000)


def pid_of(uri: str) -> int:
    with client_of(uri) as client:
        return client.admin.command("serverStatus")["pid"]


def socket_of(uri: str) -> Path:
    return Path(unquote(uri.removeprefix("mongodb://").split("/?")[0]))


def sockets_held_by(pid: int) -> set[str]:
    """The inode numbers of a process's sockets."""
    found: set[str] = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            found.add(str(descriptor.readlink()))
    return {name[8:-1] for name in found if name.startswith("socket:[")}


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def ends(pid: int) -> bool:
    """Whether a process goes, now that it was told to."""
    deadline = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_running(pid)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; what a failed test leaves running is ended."""
    yield tmp_path / "catalog"
    Mongod(tmp_path / "catalog").stop()


@pytest.fixture
def user_process(folder: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts processes that use the server until they are ended."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        one = subprocess.Popen([sys.executable, "-c", USER, str(folder)], **pipes)  # type: ignore[call-overload]
        assert one.stdout is not None and one.stdout.readline().startswith("mongodb://")
        started.append(one)
        return one

    yield start
    for one in started:
        one.kill()
        one.communicate()


def test_server_listens_on_a_private_socket_only(folder: Path) -> None:
    with EmbeddedServer(folder) as uri:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert socket_of(uri).parent == folder
        held = sockets_held_by(pid_of(uri))
        tables = [path for path in Path("/proc/net").iterdir() if path.name in ("tcp", "tcp6")]
        lines = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
        assert held
        assert not held.intersection(fields[9] for fields in lines)


def test_server_has_transactions_and_change_streams(mongo_uri: str, fresh_database: str) -> None:
    with client_of(mongo_uri) as client, client.start_session() as session:
        rows = client[fresh_database].create_collection("rows")
        with rows.watch(max_await_time_ms=5000) as changes:
            with session.start_transaction():
                rows.insert_one({"n": 1}, session=session)
                assert rows.find_one() is None
            assert next(changes)["fullDocument"]["n"] == 1


def test_client_uses_no_compression(mongo_uri: str) -> None:
    with client_of(mongo_uri) as client:
        assert "compression" not in client.admin.command("hello", compression=["zlib", "snappy"])


def test_shared_server_stops_with_its_last_user(folder: Path, threads: ThreadPoolExecutor) -> None:
    users = [EmbeddedServer(folder) for _ in range(6)]
    uris = set(threads.map(EmbeddedServer.acquire, users))
    assert len(uris) == 1
    pid = pid_of(uris.pop())
    list(threads.map(EmbeddedServer.release, users[1:]))
    assert is_running(pid)
    users[0].release()
    assert ends(pid)
    users[0].release()


def test_server_outlives_its_starter_while_others_use_it(
    folder: Path, user_process: Callable[[], subprocess.Popen[str]]
) -> None:
    starter = user_process()
    with EmbeddedServer(folder) as uri:
        pid = pid_of(uri)
        os.kill(starter.pid, signal.SIGKILL)
        starter.wait()
        other = user_process()
        assert pid_of(uri) == pid
    assert is_running(pid)
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    with EmbeddedServer(folder) as uri:
        assert pid_of(uri) == pid
    assert ends(pid)


def test_fork_does_not_release_its_parents_server(folder: Path) -> None:
    server = EmbeddedServer(folder)
    pid = pid_of(server.acquire())
    child = os.fork()
    if child == 0:
        server.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert is_running(pid)
    server.release()
    assert ends(pid)


def test_killed_server_restarts_with_its_data(folder: Path) -> None:
    server = EmbeddedServer(folder)
    uri = server.acquire()
    with client_of(uri) as client:
        client["any"]["rows"].insert_one({"_id": 1})
    catalog = connect(uri, "any", timeout_seconds=2)
    half = catalog.project("acme")
    killed = pid_of(uri)
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(CatalogUnavailable):
        half.videos.listing()
    assert server.acquire() == uri
    assert pid_of(uri) != killed
    assert half.videos.listing() == []
    with client_of(uri) as client:
        assert client["any"]["rows"].find_one() == {"_id": 1}
    catalog.close()
    server.release()


@pytest.fixture
def standing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    """A server that is stopped by a signal, and its first user."""
    monkeypatch.setattr(embedded, "_ANSWER_SECONDS", 0.1)
    server = EmbeddedServer(folder)
    server.acquire()
    pid = server.pid()
    assert pid
    os.kill(pid, signal.SIGSTOP)
    yield server
    server.release()


def test_standing_server_is_kept_and_refuses_every_user(
    folder: Path, standing: EmbeddedServer, threads: ThreadPoolExecutor
) -> None:
    def refusal(_: int) -> CatalogUnavailable:
        with pytest.raises(CatalogUnavailable) as refused:
            EmbeddedServer(folder).acquire()
        return refused.value

    pid = standing.pid()
    assert pid
    with (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as of a user that never returns
        told = [*threads.map(refusal, range(3))]
    told += threads.map(refusal, range(3))
    assert {error.remedy for error in told} == {told[0].remedy}
    assert f"kill -CONT {pid}" in told[0].remedy and str(folder) in told[0].where
    os.kill(pid, signal.SIGCONT)
    with EmbeddedServer(folder):
        assert standing.pid() == pid


def test_start_by_another_user_is_awaited(
    folder: Path, standing: EmbeddedServer, threads: ThreadPoolExecutor
) -> None:
    """The server does not answer then either."""
    pid = standing.pid()
    assert pid
    with (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("starting")
        lock.flush()
        user = EmbeddedServer(folder)
        waiting = threads.submit(user.acquire)
        with pytest.raises(TimeoutError):
            waiting.result(0.3)  # longer than it waits for a server
        lock.truncate(0)  # the start has ended, and the lock is about to be released
        with pytest.raises(TimeoutError):
            waiting.result(0.3)
        os.kill(pid, signal.SIGCONT)
    assert waiting.result().startswith("mongodb://")
    user.release()


def test_last_user_ends_a_standing_server_cleanly(folder: Path, standing: EmbeddedServer) -> None:
    standing.release()
    assert standing.pid() is None
    assert "SignalHandler" in (folder / "mongod.log").read_text()


def test_server_is_found_while_its_lock_names_another_process(folder: Path) -> None:
    with EmbeddedServer(folder) as uri:
        pid, lock = pid_of(uri), folder / "data" / "mongod.lock"
        for text in (f"{os.getpid()}\n", ""):  # of an earlier server, and before the first
            lock.write_text(text)
            assert Mongod(folder).pid() == pid


def test_server_with_a_deleted_socket_is_replaced(folder: Path) -> None:
    server = EmbeddedServer(folder)
    socket, pid = socket_of(server.acquire()), server.pid()
    socket.unlink()
    assert socket_of(server.acquire()) == socket
    assert server.pid() not in (pid, None)
    server.release()


def test_mongod_that_is_slow_to_start_is_left_alone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may repair its data: here it holds the lock on them, and opens no socket."""
    server = EmbeddedServer(folder)
    uri, pid = server.acquire(), server.pid()
    assert pid
    monkeypatch.setattr(embedded, "_ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(Mongod, "listens", lambda _: False)
    socket_of(uri).rename(tmp_path / "socket")
    with pytest.raises(CatalogUnavailable, match="lives"):
        EmbeddedServer(folder).acquire()
    assert is_running(pid)
    server.release()


def test_data_can_move_to_a_path_too_long_for_a_socket(folder: Path, tmp_path: Path) -> None:
    with EmbeddedServer(folder) as uri, client_of(uri) as client:
        client["any"]["rows"].insert_one({"_id": 1})
    moved = tmp_path / ("a long, spaced name " * 6)
    folder.rename(moved)
    with EmbeddedServer(moved) as uri, client_of(uri) as client:
        assert client["any"]["rows"].find_one() == {"_id": 1}
        place = socket_of(uri).parent
        assert place != moved and place.stat().st_mode & 0o777 == 0o700
    assert not place.exists()


def test_failed_start_raises_with_the_end_of_the_log(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "storage.bson").write_text("no metadata")
    with pytest.raises(CatalogError, match="storage engine metadata") as refused:
        EmbeddedServer(folder).acquire()
    assert "MONGODB_URI" in refused.value.remedy
    assert "mongod.log" in refused.value.where


def test_folder_that_cannot_be_private_raises_with_remedy(folder: Path) -> None:
    folder.write_text("no folder")
    with pytest.raises(ConfigurationError, match=r"catalog: .* VIDEO_PIPELINE_HOME"):
        EmbeddedServer(folder).acquire()
    folder.unlink()


def test_a_mongod_that_cannot_be_run_is_named(folder: Path, tmp_path: Path) -> None:
    binary = tmp_path / "mongod"
    binary.write_bytes(b"another machine's")
    binary.chmod(0o755)
    folder.mkdir()
    with pytest.raises(CatalogError, match=r"mongod cannot be run: Exec format error"):
        Mongod(folder, binary).start(tmp_path / "socket")


def test_a_mongod_on_path_is_preferred(tmp_path: Path) -> None:
    binary = tmp_path / "mongod"
    binary.touch(mode=0o755)
    assert locate_mongod(search_path=str(tmp_path)) == binary


def test_the_packaged_binary_has_all_its_libraries() -> None:
    assert missing_libraries(locate_mongod()) == []
