"""The run launcher of dagster.yaml: Dagster's own, whose runs are looked after by themselves.

Dagster's notices that a run's process has died by the code server that started it. Where that one
was killed as well, the run would stay "started" for ever, and with it the slot of its project. Run
monitoring asks here, and looks at the process itself.
"""

import json
from pathlib import Path

import dagster as dg

# What run monitoring expects of a launcher; not exported in dagster 1.13.27. Ends when `dagster`
# exports both names, or when its own launcher checks the process of a run.
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

_SERVER_TAG = "dagster/grpc_info"
"""Dagster's own tag: how the code server that started a run is reached."""


class WatchedRunLauncher(dg.DefaultRunLauncher):
    """Launches runs in processes of the code server, and knows whether they live."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """On this machine, where /proc tells of processes."""
        return Path("/proc/self").exists()

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process of a started run lives; taken as living where that is not known,
        as with a code server on another machine."""
        process = self._process_of(run)
        if process is None or _lives(process):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"its process {process} has ended")

    def _process_of(self, run: dg.DagsterRun) -> int | None:
        server = json.loads(run.tags.get(_SERVER_TAG, "{}"))
        if not server.get("socket") and server.get("host") not in ("localhost", "127.0.0.1"):
            return None
        begun = self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_START)
        told = [entry.dagster_event.pid for entry in begun if entry.dagster_event]
        return told[-1] if told else None


def _lives(process: int) -> bool:
    """Whether there is such a process of Python that is no zombie. Its number may have been given
    to another since: then the run is seen to have ended when that one ends."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X") and b"python" in command
