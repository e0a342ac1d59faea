"""A supervised deployment: each process can be killed, and is restarted.

This module starts MongoDB and Dagster's webserver and daemon. Dagster itself starts code servers
and runs.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psutil

from video_pipeline.catalog.server.embedded import EmbeddedServer
from video_pipeline.catalog.server.mongod import Mongod
from video_pipeline.cli.server.ports import LOOPBACK, port_to_use
from video_pipeline.cli.server.processes import Processes, descendants
from video_pipeline_tests.servers.webserver import Webserver

_ROOT = Path(__file__).resolve().parents[2]
_CODE = ["-m", "video_pipeline.definitions", "-d", str(_ROOT)]
_START_SECONDS = 120
_DEATH_SECONDS = 10
# Timeouts of dagster.yaml that would only cost time here.
_QUICKER = {"start_timeout_seconds: 180": "start_timeout_seconds: 60"}

RUNS, CODE_SERVER, DAEMON, WEBSERVER, MONGOD = KINDS = (
    *("run", "code server", "daemon", "webserver", "mongod"),
)


@dataclass(frozen=True)
class Supervised:
    """A running deployment."""

    instance: dg.DagsterInstance
    server: Webserver
    uri: str
    _processes: Processes
    _mongo: EmbeddedServer
    _folder: Path
    _port: str

    def living(self, kind: str) -> list[int]:
        """Return the process ids of the live processes of a kind."""
        if kind == MONGOD:
            pid = Mongod(self._folder / "mongo").pid()
            return [pid] if pid else []
        if kind == RUNS:
            return self._runs()
        sign = {CODE_SERVER: "api grpc", DAEMON: "quick_daemon run", WEBSERVER: "webserver -h"}
        return [pid for pid in sorted(descendants()) if sign[kind] in _command(pid)]

    def kill(self, kind: str, pid: int) -> None:
        """Kill a process. Restart it if it is MongoDB, the daemon or the webserver.

        Raises psutil.Error if the process had already ended, psutil.TimeoutExpired if it does not
        end within 10 s.
        """
        process = psutil.Process(pid)
        process.kill()
        until = time.monotonic() + _DEATH_SECONDS
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > until:
                raise psutil.TimeoutExpired(_DEATH_SECONDS, pid)
            time.sleep(0.05)
        if kind == MONGOD:
            self._mongo.acquire()
        elif kind in (DAEMON, WEBSERVER):
            self.start(kind)

    def start(self, kind: str) -> None:
        """Start the webserver or the daemon, and keep the log of an earlier one."""
        log = self._processes.log(kind)
        if log.exists():
            log.rename(log.with_name(f"{kind}-{time.monotonic_ns()}.log"))
        module = {
            DAEMON: ["video_pipeline_tests.servers.quick_daemon", "run"],
            WEBSERVER: ["dagster_webserver", "-h", LOOPBACK, "-p", self._port],
        }
        command = [sys.executable, "-m", *module[kind], *_CODE]
        self._processes.start(kind, command, self._folder / "dagster")

    def await_server(self) -> None:
        """Wait until the webserver answers. Raises TimeoutError after 120 s."""
        until = time.monotonic() + _START_SECONDS
        while not self.server.answers():
            if time.monotonic() > until:
                raise TimeoutError(f"the webserver did not answer within {_START_SECONDS} s")
            time.sleep(0.5)

    def _runs(self) -> list[int]:
        started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
        found: list[int] = []
        for run in self.instance.get_runs(started):
            begun = self.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_START)
            found += [e.dagster_event.pid or 0 for e in begun if e.dagster_event]
        return sorted(set(found) & descendants())


@contextmanager
def supervised(folder: Path, environment: Mapping[str, str]) -> Iterator[Supervised]:
    """Start all processes in a folder, with the project's dagster.yaml. They end with the block."""
    home = folder / "dagster"
    home.mkdir()
    settings = (_ROOT / "dagster.yaml").read_text()
    for slow, quick in _QUICKER.items():
        assert slow in settings
        settings = settings.replace(slow, quick)
    (home / "dagster.yaml").write_text(settings)
    port = str(port_to_use(None))
    mongo = EmbeddedServer(folder / "mongo")
    path = os.pathsep.join([environment.get("PYTHONPATH", str(_ROOT)), str(_ROOT)])
    variables = {**os.environ, **environment, "DAGSTER_HOME": str(home), "PYTHONPATH": path}
    with mongo as uri, dg.DagsterInstance.from_config(str(home)) as instance:
        instance.get_runs(limit=1)  # makes the tables before several processes start on them
        with Processes(folder / "logs", variables | {"MONGODB_URI": uri}) as processes:
            server = Webserver(f"http://{LOOPBACK}:{port}/graphql")
            deployment = Supervised(instance, server, uri, processes, mongo, folder, port)
            deployment.start(WEBSERVER)
            deployment.await_server()
            deployment.start(DAEMON)
            yield deployment


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""
