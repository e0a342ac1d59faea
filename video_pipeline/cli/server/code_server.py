"""The process that loads the definitions, for webserver and daemon alike.

Without it each of the two starts one of its own, and the daemon another one every minute: a third
of the CPU time of a deployment at rest. Dagster's program has a child that loads the code, and
replaces it at "Reload definitions". It does not replace a child that dies.
"""

import json
import time
from pathlib import Path

import psutil

from video_pipeline.cli.server.processes import Processes
from video_pipeline.settings import Settings

_MODULE, _LOCATION = "video_pipeline.definitions", "video_pipeline"
# How long the child takes to appear, on a busy machine.
_CHILD_SECONDS = 30.0


def code_server_command(socket: Path) -> list[str]:
    """Return the arguments of python that start the code server at a socket."""
    start = ["dagster", "code-server", "start", "--socket", str(socket)]
    return [*start, "--module-name", _MODULE, "--location-name", _LOCATION]


def write_workspace(settings: Settings, socket: Path) -> Path:
    """Write the workspace file that names the code server, and return it."""
    server = {"socket": str(socket), "host": "localhost", "location_name": _LOCATION}
    file = settings.dagster_home / "code-server.yaml"
    # Every JSON document is one of YAML.
    file.write_text(json.dumps({"load_from": [{"grpc_server": server}]}))
    return file


def keep_code_server(processes: Processes, name: str) -> None:
    """Start the code server again if it has ended, or if its child has.

    Raises ConfigurationError like `Processes.keep`.
    """
    processes.keep(name)
    pid = processes.pids().get(name)
    if pid is not None and _is_childless(pid):
        processes.kill(name)


def _is_childless(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        age = time.time() - process.create_time()
        living = [c for c in process.children() if c.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return False
    return age > _CHILD_SECONDS and not living
