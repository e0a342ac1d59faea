"""A deployment upgrades its catalogue before it starts, and brings back what ends."""

import errno
import itertools
import os
import signal
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from pymongo import MongoClient

from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.schema import SCHEMA_VERSION
from video_pipeline.catalog.server import embedded
from video_pipeline.cli.server import deployment
from video_pipeline.cli.server.deployment import (
    CODE,
    DAEMON,
    WEB,
    Deployment,
    await_upgrade,
    look_first,
    parts_of,
    up,
)
from video_pipeline.cli.server.processes import Processes, descendants
from video_pipeline.cli.server.watch import look_after
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.settings import Settings, load_settings
from video_pipeline.wiring import catalog_server, embedded_server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a deployment with an embedded MongoDB."""
    file = tmp_path / "pipeline.yaml"
    file.write_text("providers: {cuts: {plugin: pyscenedetect}}\n")
    return load_settings(file, {"VIDEO_PIPELINE_HOME": str(tmp_path / "home")})


def test_deployment_outlives_its_mongodb_and_programs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embedded, "_ANSWER_SECONDS", 0.1)
    now = itertools.count(0, 40)  # at each look, every pause has ended
    with catalog_server(settings) as uri, Processes(settings.logs, {}) as processes:
        for name in (CODE, WEB, DAEMON):
            processes.start(name, ["sleep", "300"], settings.home)
        parts = parts_of(settings, processes, lambda: next(now))
        server = embedded_server(settings)

        def told() -> str:
            look_after(parts, processes.reap)
            return capsys.readouterr().out

        first = server.pid()
        assert first and told() == ""
        os.kill(first, signal.SIGSTOP)
        assert f"kill -CONT {first}" in told()
        assert told() == ""
        os.kill(first, signal.SIGCONT)
        assert told() + told() == "MongoDB works again.\n"
        assert server.pid() == first

        os.kill(first, signal.SIGKILL)
        with monkeypatch.context() as full:
            no_space = OSError(errno.ENOSPC, "No space left on device")
            full.setattr(Path, "write_text", Mock(side_effect=no_space))
            assert "No space left on device" in told()
        told()
        assert server.pid() not in (None, first)
        catalog = connect(uri, "any", patience_seconds=20)
        assert catalog.projects() == []
        catalog.close()

        ended = processes.pids()[DAEMON]
        os.kill(ended, signal.SIGKILL)
        while "The daemon does not work" not in told():
            pass
        told()
        assert processes.pids()[DAEMON] != ended
        assert processes.pids()[WEB] in descendants()
    assert server.pid() is None


def test_up_ends_with_three_pages_to_look_at(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "http://127.0.0.1:3000"
    running = nullcontext(Deployment(settings, url, look_after=Mock(side_effect=KeyboardInterrupt)))
    monkeypatch.setattr(deployment, "settings_of", lambda _: settings)
    monkeypatch.setattr(deployment, "deployed", lambda *_: running)
    up(Mock())
    assert capsys.readouterr().out.splitlines()[-3:] == [
        f"Look first at all projects: {url}/assets/overview",
        f"then at one project: {url}/assets/project?view=partitions",
        f"then at one video: {url}/assets/timeline?view=partitions",
    ]


def test_pages_to_look_at_open_the_given_video() -> None:
    told = look_first("http://here", VideoKey.parse("acme/talk.1")).splitlines()
    assert told[1].endswith("&partition=acme")
    assert told[2].endswith("&partition=acme%2Ftalk.1")


def test_upgrade_waits_for_the_runs_of_an_earlier_version(
    tmp_path: Path, mongo_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("catalog: {database: upgraded-while-at-work}\nproviders: {}\n")
    settings = load_settings(file, {"VIDEO_PIPELINE_HOME": str(tmp_path / "home")})
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        database = client[settings.catalog.database]
        database["deployment"].insert_one({"_id": "schema", "version": 4})
        unit = {
            "project_id": "acme",
            "video": "one",
            "state": "submitting",
            "leased_until": datetime.now(UTC) + timedelta(minutes=1),
        }
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
