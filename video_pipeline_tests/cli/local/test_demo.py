"""`demo` with the real webserver and daemon, from start to end."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from video_pipeline.cli.server.deployment import look_first
from video_pipeline.dagster_api.health import load_error, loaded_resources
from video_pipeline.domain.naming.identity import VideoKey

SHOTS_ONLY = """
providers:
  cuts: {plugin: pyscenedetect}
  by-content: {plugin: pyscenedetect, options: {detector: content}}
phases:
  shots: cuts
projects:
  globex:
    phases:
      shots: by-content
"""


def mentions(word: str) -> list[str]:
    """Return the commands of the processes whose command or environment contains a word."""
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            command, environment = process.cmdline(), process.environ()
        except psutil.Error:
            continue
        if any(word in text for text in (*command, *environment.values())):
            found.append(" ".join(command))
    return found


@pytest.fixture
def demo(tmp_path: Path):
    """The demo in a state folder of its own, stopped after the test."""
    (tmp_path / "pipeline.yaml").write_text(SHOTS_ONLY)
    command = [sys.executable, "-m", "video_pipeline.cli.main"]
    environment = {k: v for k, v in os.environ.items() if k != "MONGODB_URI"}
    process = subprocess.Popen(
        [*command, "--config", str(tmp_path / "pipeline.yaml"), "demo"],
        env={**environment, "VIDEO_PIPELINE_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process
    process.send_signal(signal.SIGINT)
    process.wait(60)


def test_demo_finishes_every_phase_and_leaves_no_process(demo, tmp_path: Path) -> None:
    told = ""
    for line in demo.stdout:
        told += line
        if "one video: " in line:
            break
    found = re.search(r"http://127\.0\.0\.1:\d+", told)
    assert found, told
    assert load_error(found[0]) == ""
    assert told.endswith(f"{look_first(found[0], VideoKey.parse('acme/slide-talk'))}\n")
    assert {"cuts", "by_content"} <= (loaded_resources(found[0]) or set())
    for video in ("acme/slide-talk", "globex/trailer", "acme/bikes", "globex/bigbuckbunny"):
        assert f"{video}  exports  done" in told, told
        published = tmp_path / "home/outputs/projects" / video.replace("/", "/videos/")
        assert json.loads((published / "timeline.json").read_text())
    assert mentions(str(tmp_path / "home"))
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(60) == 0
    assert mentions(str(tmp_path / "home")) == []
