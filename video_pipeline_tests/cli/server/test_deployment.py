"""A running deployment restarts its MongoDB."""

import os
import signal
from pathlib import Path

from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.server.mongod import Mongod
from video_pipeline.cli.server.deployment import look_after
from video_pipeline.cli.server.processes import Processes
from video_pipeline.settings import load_settings
from video_pipeline.wiring import catalog_server


def test_look_after_restarts_a_killed_mongodb(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("providers: {cuts: {plugin: pyscenedetect}}\n")
    settings = load_settings(file, {"VIDEO_PIPELINE_HOME": str(tmp_path / "home")})
    mongod = Mongod(settings.home / "mongodb")
    with Processes(tmp_path / "logs", {}) as processes, catalog_server(settings) as uri:
        first = mongod.pid()
        look_after(settings, processes)
        assert first and mongod.pid() == first
        os.kill(first, signal.SIGKILL)
        look_after(settings, processes)
        assert mongod.pid() not in (None, first)
        catalog = connect(uri, "any", patience_seconds=20)
        assert catalog.projects() == []
        catalog.close()
    assert mongod.pid() is None
