"""Child processes that start and end together, with all their descendants."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

from video_pipeline.cli.server import leash
from video_pipeline.cli.signals import undisturbed
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.wiring import ensure_folder

_PR_SET_CHILD_SUBREAPER = 36
_TAIL = 15
# How long a process may take to end after SIGTERM.
_GRACE_SECONDS = 10.0
# The same for its orphans. It is shorter: a run that is killed is launched again.
_ORPHANS_SECONDS = 4.0


class Processes:
    """A context in which processes run, each with its own session and log file.

    They and their descendants end with the context, and when this process is killed. `last` names a
    program that ends after the others, together with all descendants: others use it, or it waits
    for its own. `spared` returns a descendant that does not end with the context.
    """

    def __init__(
        self,
        logs: Path,
        environment: Mapping[str, str],
        spared: Callable[[], int | None] = lambda: None,
        last: str = "",
    ) -> None:
        self._logs, self._environment = logs, dict(environment)
        self._spared, self._last = spared, last
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, tuple[Sequence[str], Path]] = {}
        self._others: set[int] = set()

    def __enter__(self) -> Self:
        ensure_folder(self._logs)
        self._others = {process.pid for process in _family()}
        adopt_orphans()
        return self

    def start(self, name: str, command: Sequence[str], folder: Path) -> None:
        """Start a program. The log of an earlier one is kept, as `NAME.log.old`."""
        self._commands[name] = command, folder
        leashed = [sys.executable, str(leash.__file__), str(os.getpid()), *command]
        with contextlib.suppress(FileNotFoundError):
            self.log(name).replace(self.log(name).with_suffix(".log.old"))
        with self.log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                leashed,
                cwd=folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, name: str, command: Sequence[str], folder: Path) -> None:
        """Run a program to its end. Raises ConfigurationError if it fails."""
        self.start(name, command, folder)
        if self._running[name].wait():
            raise self._ended(name)
        del self._running[name]

    def check(self) -> None:
        """Raise ConfigurationError if one of them has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise self._ended(name)

    def keep(self, name: str) -> None:
        """Start a program again that has ended, at the second call since its end.

        The first call raises ConfigurationError.
        """
        process = self._running.get(name)
        if process is None:
            self.start(name, *self._commands[name])
        elif process.poll() is not None:
            del self._running[name]
            raise ConfigurationError(
                f"it ended with status {process.returncode}",
                where=str(self.log(name)),
                remedy=f"The log of the ended process is then {name}.log.old.",
            )

    def kill(self, name: str) -> None:
        """Kill a program. `keep` starts it again."""
        self._running[name].kill()

    def reap(self) -> None:
        """Collect adopted children that have ended.

        The exit status of its own programs, and of earlier children of this process, is kept.
        """
        if sys.platform != "linux" or not _has_ended_children():
            return
        kept = self._others | {*self.pids().values()}
        for child in psutil.Process().children():
            if child.pid not in kept and not _is_alive(child):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(child.pid, os.WNOHANG)

    def pids(self) -> dict[str, int]:
        """Return the process of each program that was started and not found ended."""
        return {name: process.pid for name, process in self._running.items()}

    def log(self, name: str) -> Path:
        """Return the log file of a program."""
        return self._logs / f"{name}.log"

    def _ended(self, name: str) -> ConfigurationError:
        lines = self.log(name).read_text(errors="replace").splitlines()
        return ConfigurationError(
            "\n".join([f"{name} ended unexpectedly. Its last log lines:", *lines[-_TAIL:]]),
            where=str(self.log(name)),
            remedy="Fix what the log reports, then start again. `video-pipeline doctor` may help.",
        )

    def __exit__(self, *_: object) -> None:
        with undisturbed():
            first = [one for name, one in self._running.items() if name != self._last]
            _send((process.pid for process in first), signal.SIGTERM)
            for process in first:
                _wait(process)
            _send(self._rest(), signal.SIGTERM)
            self._kill_rest()
            for process in self._running.values():
                process.wait()

    def _kill_rest(self) -> None:
        """Wait for the remaining descendants, and kill them when the time is up."""
        deadline = time.monotonic() + _ORPHANS_SECONDS
        while left := self._rest():
            if time.monotonic() > deadline:
                _send(left, signal.SIGKILL)
            time.sleep(0.05)
        self.reap()

    def _rest(self) -> set[int]:
        """Return the living descendants that end with the context."""
        spared = self._spared()
        return descendants() - self._others - ({spared} if spared else set())


def adopt_orphans() -> None:
    """Make this process the new parent of every descendant whose own parent ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def descendants() -> set[int]:
    """Return the ids of all living descendants."""
    return {process.pid for process in _family() if _is_alive(process)}


def _family() -> list[psutil.Process]:
    """Return all descendants, also those that have ended."""
    return psutil.Process().children(recursive=True)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _has_ended_children() -> bool:
    """Return whether a child has ended that nobody has waited for (Linux)."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False
