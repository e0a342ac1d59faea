"""A deployment upgrades its catalogue before it starts, and restarts its MongoDB."""

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.schema import SCHEMA_VERSION
from video_pipeline.catalog.server.mongod import Mongod
from video_pipeline.cli.server.deployment import await_upgrade, look_after
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


def test_upgrade_waits_for_the_runs_of_an_earlier_version(
    tmp_path: Path, mongo_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("catalog: {database: upgraded-while-at-work}\nproviders: {}\n")
    settings = load_settings(file, {"VIDEO_PIPELINE_HOME": str(tmp_path / "home")})
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        database = client[settings.catalog.database]
        database["deployment"].insert_one({"_id": "schema", "version": 4})
        unit = {"state": "submitting", "leased_until": datetime.now(UTC) + timedelta(minutes=1)}
        database["units"].insert_one(unit)
        waited = list[float]()

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                database["units"].delete_many({})

        await_upgrade(settings, mongo_uri, sleep)
        recorded = database["deployment"].find_one({})
        client.drop_database(database)
    assert recorded and recorded["version"] == SCHEMA_VERSION
    assert len(waited) == 3
    assert capsys.readouterr().out.count("1 work units are in the hands of runs of an earlier") == 1
