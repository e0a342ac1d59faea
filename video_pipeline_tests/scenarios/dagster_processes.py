"""Dagster's webserver and daemon as real processes on a loopback port, for scenarios and tests."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg

from video_pipeline_tests.scenarios.webserver import Webserver

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 120
_STOP_SECONDS = 30


@contextmanager
def dagster_processes(
    home: Path, environment: Mapping[str, str]
) -> Iterator[tuple[dg.DagsterInstance, Webserver]]:
    """A new instance under `home` with the project's dagster.yaml, its webserver and its daemon.

    Every process is ended, by id, when the block is left.
    """
    home.mkdir(parents=True)
    shutil.copy(_ROOT / "dagster.yaml", home)
    variables = {**os.environ, **environment, "DAGSTER_HOME": str(home)}
    code = ["-m", "video_pipeline.definitions", "-d", str(_ROOT)]
    port = _free_port()
    with ExitStack() as stack:
        instance = stack.enter_context(dg.DagsterInstance.from_config(str(home)))
        instance.get_runs(limit=1)  # makes the files before several processes start on them
        web = ["-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *code]
        stack.enter_context(_process(home / "webserver.log", web, variables))
        server = Webserver(f"http://127.0.0.1:{port}/graphql")
        _wait_for(server, home / "webserver.log")
        daemon = ["-m", "video_pipeline_tests.scenarios.quick_daemon", "run", *code]
        stack.enter_context(_process(home / "daemon.log", daemon, variables))
        yield instance, server


@contextmanager
def _process(log: Path, arguments: list[str], variables: Mapping[str, str]) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=dict(variables),
            cwd=log.parent,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            yield
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop, which also stops its code server; then make sure of both."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _wait_for(server: Webserver, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while not server.answers():
        if time.monotonic() > until:
            raise TimeoutError(f"the webserver did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
