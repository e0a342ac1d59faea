"""A program of Dagster runs with its own arguments, and asks the code server less often."""

import os
import subprocess
import sys
from pathlib import Path

from video_pipeline.cli.server.code_watch import watching


def test_program_runs_with_a_longer_watch_interval(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import sys\n"
        "from dagster._grpc.server_watcher import WATCH_INTERVAL\n"
        "print(__name__, WATCH_INTERVAL, *sys.argv[1:])\n"
    )
    ended = subprocess.run(
        [sys.executable, *watching("program", "run", "-w", "a b.yaml")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "__main__ 5 run -w a b.yaml\n"
