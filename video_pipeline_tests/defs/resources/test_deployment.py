"""The deployment that sensors share: opened once, reopened when pipeline.yaml changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from video_pipeline.defs.resources.deployment import SharedDeployment
from video_pipeline.defs.resources.shared_services import SharedServices
from video_pipeline.domain.errors import ConfigurationError

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
def deployment(file: Path) -> Iterator[SharedDeployment]:
    shared = SharedServices()
    yield SharedDeployment(file, shared=shared)
    shared.close()


def test_equal_configuration_keeps_services(deployment: SharedDeployment, file: Path) -> None:
    with deployment.opened() as services:
        file.write_text(f"# a comment\n{file.read_text()}")
    with deployment.opened() as same:
        assert same is services


def test_change_amid_a_tick_holds_from_the_next(
    deployment: SharedDeployment, file: Path, mongo_database: str
) -> None:
    with deployment.opened() as before:
        file.write_text(PIPELINE.format(database=mongo_database, workers=2))
        with deployment.opened() as after:
            assert after.policy.workers == 2
        assert before.policy.workers == 1
        assert before.catalog.projects() == [], "still open"
    with deployment.opened() as services:
        assert services is after
        assert services.catalog.projects() == []


def test_invalid_file_fails_the_tick(deployment: SharedDeployment, file: Path) -> None:
    file.write_text("phases: [")
    with pytest.raises(ConfigurationError, match="is not YAML"), deployment.opened():
        pass
