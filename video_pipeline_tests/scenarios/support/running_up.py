"""`up` as a process of its own, in a folder, with commands, sensors and runs to look at."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import dagster as dg
import psutil

# Verified with dagster 1.13.27, which exports no name for a tick.
from dagster._core.scheduler.instigation import InstigatorTick

from video_pipeline.catalog.server.embedded import EmbeddedServer
from video_pipeline.catalog.server.mongod import Mongod
from video_pipeline.cli.server.ports import LOOPBACK, port_to_use
from video_pipeline_tests.scenarios.support.baseline import ROOT, python_of

_START_SECONDS = 240
_END_SECONDS = 60
# How often a condition is looked at.
_LOOK_SECONDS = 0.5
_MAIN = "from video_pipeline.cli.main import app; app()"


@dataclass(frozen=True)
class Answer:
    """A command's output, exit code and duration in seconds."""

    output: str
    code: int
    seconds: float


@dataclass(frozen=True)
class RunningUp:
    """A running `up` of one checkout, with its state in `home`."""

    process: psutil.Process
    file: Path
    home: Path
    log: Path
    url: str
    _environment: dict[str, str]

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's records."""
        return dg.DagsterInstance.from_config(str(self.home / "dagster"))

    @property
    def is_alive(self) -> bool:
        """Whether `up` runs."""
        return self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE

    @property
    def said(self) -> str:
        """What `up` has printed so far."""
        return self.log.read_text(errors="replace")

    @property
    def mongod(self) -> psutil.Process | None:
        """The process of its MongoDB."""
        pid = Mongod(self.home / "mongodb").pid()
        return psutil.Process(pid) if pid else None

    def processes(self, sign: str = "") -> list[psutil.Process]:
        """Return the living descendants whose command line contains `sign`."""
        found: list[psutil.Process] = []
        for one in self.process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if sign in " ".join(one.cmdline()) and one.status() != psutil.STATUS_ZOMBIE:
                    found.append(one)
        return found

    def zombies(self) -> int:
        """Return how many of its own children have ended and were not reaped."""
        count = 0
        for one in self.process.children():
            with contextlib.suppress(psutil.Error):
                count += one.status() == psutil.STATUS_ZOMBIE
        return count

    def command(self, *arguments: str, seconds: float = 300) -> Answer:
        """Run a command as a user does. Raises TimeoutExpired."""
        begun = time.monotonic()
        line = [sys.executable, "-c", _MAIN, "--config", str(self.file), *arguments]
        ended = subprocess.run(
            line,
            env=self._environment | {"VIDEO_PIPELINE_WEBSERVER": self.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        return Answer(ended.stdout, ended.returncode, time.monotonic() - begun)

    def ticks(self, sensor: str, since: float) -> list[InstigatorTick]:
        """Return the ticks of a sensor that began after a time, newest first."""
        states = self.instance.all_instigator_state()
        state = next(one for one in states if one.instigator_name == sensor)
        return list(
            self.instance.get_ticks(state.instigator_origin_id, state.selector_id, after=since)
        )

    def runs(self, key: str, *statuses: dg.DagsterRunStatus) -> Sequence[dg.DagsterRun]:
        """Return the runs of a video in these statuses, or all, newest first."""
        wanted = dg.RunsFilter(statuses=list(statuses), tags={"dagster/partition": key})
        return self.instance.get_runs(wanted)

    def until(self, there: Callable[[], bool], what: str, seconds: float = 240) -> float:
        """Wait for a condition, and return the seconds that it took. Raises TimeoutError."""
        begun = time.monotonic()
        while not there():
            if time.monotonic() - begun > seconds or not self.is_alive:
                state = "lives" if self.is_alive else "has ended"
                raise TimeoutError(f"not within {seconds:g} s: {what}; `up` {state}: {self.said}")
            time.sleep(_LOOK_SECONDS)
        return time.monotonic() - begun


@contextlib.contextmanager
def running_up(home: Path, file: Path, checkout: Path = ROOT) -> Generator[RunningUp]:
    """Start `up` of a checkout, and end it as Ctrl-C does. Raises TimeoutError.

    The state folder `home` may be new or used. `up` prints into a file beside it.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if name != "MONGODB_URI"},
        "PYTHONPATH": str(checkout),
        "VIDEO_PIPELINE_CONFIG": str(file),
        "VIDEO_PIPELINE_HOME": str(home),
    }
    port = port_to_use(None)
    log = home.with_name(f"{home.name}.up.log")
    python = str(python_of(checkout))
    line = [python, "-u", "-c", _MAIN, "--config", str(file), "up", "--port", str(port)]
    with log.open("w") as written:
        # In a session of its own: a Ctrl-C in this terminal must not reach it twice.
        started = subprocess.Popen(
            line,
            cwd=checkout,
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://{LOOPBACK}:{port}"
    up = RunningUp(psutil.Process(started.pid), file, home, log, url, environment)
    try:
        up.until(lambda: "Ctrl-C" in up.said or not up.is_alive, "`up` is ready", _START_SECONDS)
        if not up.is_alive:
            raise RuntimeError(f"`up` did not start: {up.said}")
        yield up
    finally:
        started.send_signal(signal.SIGINT)
        try:
            started.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextlib.contextmanager
def catalogue_of(home: Path) -> Generator[str]:
    """Yield the address of the MongoDB of a state folder, which is started if need be."""
    with EmbeddedServer(home / "mongodb") as uri:
        yield uri
