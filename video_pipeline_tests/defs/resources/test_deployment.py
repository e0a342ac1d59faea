"""The deployment of a tick, reopened when pipeline.yaml changes, and that of a run."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from video_pipeline.defs.resources.deployment import (
    Deployment,
    SharedDeployment,
    pipeline_resources,
)
from video_pipeline.defs.resources.shared_services import SharedServices
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.settings import load_settings

PIPELINE = """\
catalog: {{database: {database}}}
providers:
  cuts: {{plugin: pyscenedetect}}
phases:
  shots: [cuts]
work: {{workers: {workers}}}
"""


@pytest.fixture
def file(
    tmp_path: Path, mongo_uri: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("MONGODB_URI", mongo_uri)
    file = tmp_path / "pipeline.yaml"
    file.write_text(PIPELINE.format(database=mongo_database, workers=1))
    return file


@pytest.fixture
def tick(file: Path) -> Iterator[Callable[[], SharedDeployment]]:
    """Return a maker of the deployments of ticks in one process."""
    shared = SharedServices()
    yield partial(SharedDeployment, file, shared=shared)
    shared.close()


def test_equal_configuration_keeps_services(
    tick: Callable[[], SharedDeployment], file: Path
) -> None:
    with tick().opened() as services:
        file.write_text(f"# a comment\n{file.read_text()}")
    with tick().opened() as same:
        assert same is services


def test_change_amid_a_tick_holds_from_the_next(
    tick: Callable[[], SharedDeployment], file: Path, mongo_database: str
) -> None:
    with tick().opened() as before:
        file.write_text(PIPELINE.format(database=mongo_database, workers=2))
        with tick().opened() as after:
            assert after.policy.workers == 2
        assert before.policy.workers == 1
        assert before.catalog.projects() == [], "still open"
    with tick().opened() as services:
        assert services is after
        assert services.catalog.projects() == []


def test_broken_file_keeps_services_until_mended(
    tick: Callable[[], SharedDeployment], file: Path, mongo_database: str
) -> None:
    with tick().opened() as services:
        file.write_text("phases: [")
    broken = tick()
    with broken.opened() as same:
        assert same is services
    assert "pipeline.yaml, line 1: the file is not YAML" in str(broken.problem)
    file.write_text(PIPELINE.format(database=mongo_database, workers=2))
    mended = tick()
    with mended.opened() as renewed:
        assert renewed.policy.workers == 2
    assert mended.problem is None


def test_broken_file_without_a_good_one_fails_the_tick(
    tick: Callable[[], SharedDeployment], file: Path
) -> None:
    file.write_text("phases: [")
    with pytest.raises(ConfigurationError, match="not YAML"), tick().opened():
        pass


def test_run_with_broken_file_warns_once(file: Path) -> None:
    settings = Deployment(file).settings
    file.write_text("phases: [")
    told: list[str] = []
    run = Deployment(file, warn=told.append)
    assert (run.settings, run.settings) == (settings, settings)
    assert len(told) == 1 and "line 1" in told[0]


def test_launch_cannot_choose_another_file(file: Path) -> None:
    made: Any = pipeline_resources(load_settings(file, {}))["pipeline"]
    assert type(made).to_config_schema().as_field().config_type.fields == {}
    assert made.file == file
