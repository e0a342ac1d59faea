"""The deployment that sensors share: opened once, reopened when pipeline.yaml changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from video_pipeline.defs.resources.deployment import Deployment
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
def deployment(file: Path) -> Iterator[Deployment]:
    deployment = Deployment(file)
    yield deployment
    deployment.close()


def test_services_are_opened_once(deployment: Deployment) -> None:
    assert deployment.services is deployment.services


def test_renew_keeps_services_of_an_equal_configuration(deployment: Deployment, file: Path) -> None:
    services = deployment.services
    file.write_text(f"# a comment\n{file.read_text()}")
    deployment.renew()
    assert deployment.services is services


def test_renew_reopens_after_a_change(
    deployment: Deployment, file: Path, mongo_database: str
) -> None:
    before = deployment.services
    file.write_text(PIPELINE.format(database=mongo_database, workers=2))
    assert deployment.services is before, "never in the middle of a tick"
    deployment.renew()
    assert deployment.services.policy.workers == 2
    assert deployment.services.catalog.projects() == []


def test_renew_with_invalid_file_raises_and_closes_nothing(
    deployment: Deployment, file: Path
) -> None:
    services = deployment.services
    file.write_text("phases: [")
    with pytest.raises(ConfigurationError):
        deployment.renew()
    assert deployment.services is services
    assert services.catalog.projects() == []


def test_renew_before_first_use_does_nothing(file: Path) -> None:
    file.unlink()
    Deployment(file).renew()


def test_services_reopen_after_close(deployment: Deployment) -> None:
    before = deployment.services
    deployment.close()
    assert deployment.services is not before
    assert deployment.services.catalog.projects() == []
