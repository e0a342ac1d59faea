"""A code server whose newest child has ended is replaced. An older child may end."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from video_pipeline.cli.server.code_server import CodeServer
from video_pipeline.cli.server.processes import Processes
from video_pipeline.domain.errors import ConfigurationError

# The older child that ends its runs, and the newer one that loads the definitions.
PROGRAM = "sleep 300 & sleep 0.05; sleep 301 & while :; do sleep 0.05 > /dev/null; wait; done"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with Processes(tmp_path, dict(os.environ)) as started:
        started.start("code-server", ["/bin/sh", "-c", PROGRAM], tmp_path)
        yield started


def child(processes: Processes, seconds: str) -> psutil.Process:
    """Return the child that sleeps so long."""
    while True:
        for one in psutil.Process(processes.pids()["code-server"]).children():
            if one.cmdline() == ["sleep", seconds]:
                return one
        time.sleep(0.02)


@pytest.mark.parametrize(("seconds", "replaced"), [("300", False), ("301", True)])
def test_only_the_end_of_the_newest_child_counts(
    processes: Processes, tmp_path: Path, seconds: str, replaced: bool
) -> None:
    server, pid = CodeServer(processes, "code-server"), processes.pids()["code-server"]
    child(processes, "301")
    server.keep()
    ended = child(processes, seconds)
    ended.send_signal(signal.SIGKILL)
    while ended.is_running() and ended.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)
    server.keep()
    if not replaced:
        server.keep()
        assert processes.pids()["code-server"] == pid
        return
    with pytest.raises(ConfigurationError, match="ended with status -9"):
        while True:
            server.keep()
    server.keep()
    assert processes.pids()["code-server"] != pid
