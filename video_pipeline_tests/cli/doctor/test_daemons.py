"""`doctor` counts the daemons of its own Dagster home."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Start = Callable[[Path], None]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process that looks like a daemon of a home."""
    started: list[subprocess.Popen[bytes]] = []

    def start(home: Path) -> None:
        code = "import sys, time; print(1, flush=True); time.sleep(300)"
        command = [sys.executable, "-c", code, "-m", "dagster._daemon", "run"]
        environment = {**os.environ, "DAGSTER_HOME": str(home)}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout and process.stdout.readline()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_two_daemons_in_one_home_are_a_warning(call, tmp_path: Path, start: Start) -> None:
    for home in (tmp_path / "home" / "dagster", tmp_path / "another"):
        start(home)
    ended = call("doctor", env={"COLUMNS": "300"})
    assert ended.exit_code == 0, ended.output
    assert "daemons run in" not in ended.output
    start(tmp_path / "home" / "dagster")
    ended = call("doctor", env={"COLUMNS": "300"})
    assert ended.exit_code == 0, ended.output
    assert "2 daemons run in" in ended.output and "Stop all but one" in ended.output
