"""The commands, called in this process on a real catalogue and a fresh state folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from typer.testing import CliRunner, Result

from video_pipeline.cli.main import app
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import load_settings
from video_pipeline.wiring import open_services

PIPELINE = """
providers:
  cuts: {plugin: pyscenedetect}
phases:
  shots: cuts
"""


class Call(Protocol):
    def __call__(self, *arguments: str | Path, **more: Any) -> Result: ...


@pytest.fixture
def config(
    tmp_path: Path, mongo_uri: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A pipeline.yaml with a state folder and a database of its own."""
    monkeypatch.setenv("MONGODB_URI", mongo_uri)
    monkeypatch.setenv("VIDEO_PIPELINE_HOME", str(tmp_path / "home"))
    file = tmp_path / "pipeline.yaml"
    file.write_text(f"{PIPELINE}catalog: {{database: {mongo_database}}}\n")
    return file


@pytest.fixture
def call(config: Path) -> Call:
    """Call a command with that pipeline.yaml."""

    def call(*arguments: str | Path, **more: Any) -> Result:
        return CliRunner().invoke(app, ["--config", str(config), *map(str, arguments)], **more)

    return call


@pytest.fixture
def services(config: Path) -> Iterator[Services]:
    """The services that the commands work with."""
    with open_services(load_settings(config), plugins={}) as services:
        yield services
