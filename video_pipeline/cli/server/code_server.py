"""The process that loads the definitions, for webserver and daemon alike.

Without it each of the two starts one of its own, and the daemon another one every minute: a third
of the CPU time of a deployment at rest. Dagster's program has a child that loads the code, and
replaces it at "Reload definitions". It does not replace a child that dies.
"""

import json
from pathlib import Path

import psutil

from video_pipeline.cli.server.processes import Processes
from video_pipeline.settings import Settings

_MODULE, _LOCATION = "video_pipeline.definitions", "video_pipeline"


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


class CodeServer:
    """The running code server, which is replaced if it or its newest child has ended.

    After "Reload definitions" an older child lives until its runs have ended.
    """

    def __init__(self, processes: Processes, name: str) -> None:
        self._processes, self._name = processes, name
        self._pid: int | None = None
        self._loader: psutil.Process | None = None

    def keep(self) -> None:
        """Start it again if it has ended. Raises ConfigurationError like `Processes.keep`."""
        self._processes.keep(self._name)
        pid = self._processes.pids()[self._name]
        if pid != self._pid:
            self._pid, self._loader = pid, None
        living = _children(pid)
        if self._loader is not None and self._loader not in living:
            self._processes.kill(self._name)
        elif living:
            self._loader = max(living, key=psutil.Process.create_time)


def _children(pid: int) -> list[psutil.Process]:
    """Return the living children of a process."""
    try:
        return [c for c in psutil.Process(pid).children() if c.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return []
