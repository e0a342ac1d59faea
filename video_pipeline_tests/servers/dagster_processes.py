"""Dagster's webserver and daemon as real processes on a loopback port."""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from video_pipeline.cli.server.ports import LOOPBACK, port_to_use
from video_pipeline.cli.server.processes import Processes
from video_pipeline_tests.servers.webserver import Webserver

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 120


@contextmanager
def dagster_processes(
    home: Path, environment: Mapping[str, str]
) -> Iterator[tuple[dg.DagsterInstance, Webserver]]:
    """Start a webserver and a daemon on a new instance in `home`, with the project's dagster.yaml.

    Every process ends with the block.
    """
    home.mkdir(parents=True)
    shutil.copy(_ROOT / "dagster.yaml", home)
    path = os.pathsep.join([environment.get("PYTHONPATH", str(_ROOT)), str(_ROOT)])
    variables = {**os.environ, **environment, "DAGSTER_HOME": str(home), "PYTHONPATH": path}
    port = str(port_to_use(None))
    code = ["-m", "video_pipeline.definitions", "-d", str(_ROOT)]
    with (
        dg.DagsterInstance.from_config(str(home)) as instance,
        Processes(home.with_name("process-logs"), variables) as processes,
    ):
        instance.get_runs(limit=1)  # makes the tables before several processes start on them
        web = ["dagster_webserver", "-h", LOOPBACK, "-p", port, *code]
        processes.start("webserver", [sys.executable, "-m", *web], home)
        server = Webserver(f"http://{LOOPBACK}:{port}/graphql")
        _wait_for(server, processes)
        daemon = ["video_pipeline_tests.servers.quick_daemon", "run", *code]
        processes.start("daemon", [sys.executable, "-m", *daemon], home)
        yield instance, server


def _wait_for(server: Webserver, processes: Processes) -> None:
    until = time.monotonic() + _START_SECONDS
    while not server.answers():
        processes.check()
        if time.monotonic() > until:
            raise TimeoutError(f"the webserver did not answer within {_START_SECONDS} s")
        time.sleep(0.5)
