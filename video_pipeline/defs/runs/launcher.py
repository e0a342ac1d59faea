"""The run launcher of dagster.yaml: Dagster's own, which also checks the process of a run.

Dagster's launcher asks the code server that started a run whether its process lives. If that code
server was killed too, the run stays "started" for ever and occupies the slot of its project. Run
monitoring asks this launcher, which looks at the process itself.
"""

import json

import dagster as dg
import psutil

# What run monitoring expects of a launcher; not exported in dagster 1.13.27. Ends when `dagster`
# exports both names, or when its own launcher checks the process of a run.
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

# Dagster's own tag: the address of the code server that started a run.
_SERVER_TAG = "dagster/grpc_info"


class WatchedRunLauncher(dg.DefaultRunLauncher):
    """Launches runs in processes of the code server, and checks whether they live."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Return True: the processes of this machine can be checked."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return whether the process of a started run lives.

        A process on another machine is not known, and counts as living.
        """
        process = self._process_of(run)
        if process is None or _lives(process):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"its process {process} has ended")

    def _process_of(self, run: dg.DagsterRun) -> int | None:
        server = json.loads(run.tags.get(_SERVER_TAG, "{}"))
        if not server.get("socket") and server.get("host") not in ("localhost", "127.0.0.1"):
            return None
        started = self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_START)
        pids = [entry.dagster_event.pid for entry in started if entry.dagster_event]
        return pids[-1] if pids else None


def _lives(process: int) -> bool:
    """Return whether a process of Python has this id and is no zombie.

    The id may belong to a later process by now: the run then counts as ended when that one ends.
    """
    try:
        return "python" in " ".join(psutil.Process(process).cmdline()).lower()
    except psutil.NoSuchProcess:  # zombies too
        return False
    except psutil.AccessDenied:
        return True
