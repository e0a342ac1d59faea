"""The deployment that sensors share: opened once, and anew when pipeline.yaml changes."""

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


def test_it_is_opened_once(deployment: Deployment) -> None:
    assert deployment.services is deployment.services


def test_while_pipeline_yaml_says_the_same_it_stays_open(
    deployment: Deployment, file: Path
) -> None:
    services = deployment.services
    file.write_text(f"# a comment\n{file.read_text()}")
    deployment.renew()
    assert deployment.services is services


def test_a_changed_pipeline_yaml_holds_from_the_next_use_on(
    deployment: Deployment, file: Path, mongo_database: str
) -> None:
    before = deployment.services
    file.write_text(PIPELINE.format(database=mongo_database, workers=2))
    assert deployment.services is before, "never in the middle of a tick"
    deployment.renew()
    assert deployment.services.policy.workers == 2
    assert deployment.services.catalog.projects() == []


def test_one_that_cannot_be_read_says_so_and_closes_nothing(
    deployment: Deployment, file: Path
) -> None:
    services = deployment.services
    file.write_text("phases: [")
    with pytest.raises(ConfigurationError):
        deployment.renew()
    assert deployment.services is services
    assert services.catalog.projects() == []


def test_there_is_nothing_to_renew_before_the_first_use(file: Path) -> None:
    file.unlink()
    Deployment(file).renew()


def test_closed_it_opens_again(deployment: Deployment) -> None:
    before = deployment.services
    deployment.close()
    assert deployment.services is not before
    assert deployment.services.catalog.projects() == []
