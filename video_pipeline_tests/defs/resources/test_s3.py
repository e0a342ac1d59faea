"""The resource `s3`: shown and overridable in Dagster, without early connections."""

import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest

from video_pipeline.definitions import build_defs
from video_pipeline.defs.resources.deployment import (
    Deployment,
    SharedDeployment,
    pipeline_resources,
)
from video_pipeline.defs.resources.s3 import S3
from video_pipeline.defs.resources.shared_services import SharedServices
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings, load_settings
from video_pipeline.storage.s3.clients import AwsClients

PIPELINE = """\
storage:
  ingest: {bucket: footage}
  s3:
    endpoint: http://127.0.0.1:9
    region: eu-central-1
    role: arn:aws:iam::123456789012:role/pipeline
    attempts: 2
    access_key_id: {env: A_KEY}
    secret_access_key: {env: A_SECRET}
"""
LOADED = """\
import sys
import dagster

def deny(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        raise SystemExit(f"{event}: {arguments}")

sys.addaudithook(deny)
from video_pipeline.definitions import defs

defs.get_repository_def().load_all_definitions()
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("A_KEY", "key")
    monkeypatch.setenv("A_SECRET", "hidden")
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    yield load_settings(tmp_path / "pipeline.yaml")


def test_deployment_in_folders_has_no_s3(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text("{storage: {}}")
    folders = load_settings(tmp_path / "pipeline.yaml", {})
    assert set(pipeline_resources(folders)) == {"pipeline"}


def test_s3_shows_variables_instead_of_secrets(settings: Settings) -> None:
    repository = build_defs(settings).get_repository_def()
    shown = repository.get_top_level_resources()["s3"]
    fields = shown.config_schema.config_type.fields  # pyright: ignore
    assert fields["region_name"].default_value == "eu-central-1"
    assert "hidden" not in str(
        {name: field.default_value for name, field in fields.items() if field.default_provided}
    )


def _clients_of(settings: Settings, config: dict[str, Any]) -> AwsClients:
    """Return the clients of a run's deployment."""
    found: list[Deployment] = []

    @dg.op(required_resource_keys={"pipeline"})
    def look(context: dg.OpExecutionContext) -> None:
        found.append(context.resources.pipeline)

    @dg.job(resource_defs=dg.Definitions(resources=pipeline_resources(settings)).resources)
    def looking() -> None:
        look()

    assert looking.execute_in_process(run_config=config).success
    assert found[0].clients is not None
    return found[0].clients


def test_run_uses_the_options_of_pipeline_yaml(settings: Settings) -> None:
    options = _clients_of(settings, {}).options
    assert options == settings.storage.s3


def test_run_overrides_one_value_and_keeps_the_others(settings: Settings) -> None:
    config = {"resources": {"s3": {"config": {"endpoint_url": "http://127.0.0.1:7"}}}}
    options = _clients_of(settings, config).options
    changed = {"endpoint": "http://127.0.0.1:7"}
    assert options == settings.storage.s3.model_copy(update=changed)


def test_other_services_share_the_session(settings: Settings) -> None:
    clients = _clients_of(settings, {})
    assert clients.client("sqs").meta.region_name == "eu-central-1"
    assert clients.client("s3").meta.endpoint_url == "http://127.0.0.1:9"
    assert clients.client("s3") is _clients_of(settings, {}).client("s3"), "one client a process"


def test_s3_is_a_dagster_s3_resource() -> None:
    with dg.build_resources({"s3": S3(region_name="eu-central-1")}) as resources:
        assert isinstance(resources.s3, AwsClients)
    assert S3(region_name="eu-central-1").get_client().meta.region_name == "eu-central-1"


def test_loading_definitions_uses_no_network(settings: Settings) -> None:
    variables = {**os.environ, "VIDEO_PIPELINE_CONFIG": str(settings.file)}
    variables |= {"MONGODB_URI": "mongodb://127.0.0.1:9"}
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED], env=variables, capture_output=True, text=True, timeout=100
    )
    assert loaded.returncode == 0, loaded.stderr[-2000:]


def test_tick_has_shorter_limits_than_a_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[AwsClients | None] = []

    @contextmanager
    def opened(settings: Settings, clients: AwsClients | None = None) -> Generator[Services]:
        given.append(clients)
        yield cast("Services", None)

    monkeypatch.setattr("video_pipeline.defs.resources.deployment.open_services", opened)
    with SharedDeployment(settings.file, shared=SharedServices()).opened():
        assert given[0] is not None
    assert given[0].options.read_seconds == 10 < settings.storage.s3.read_seconds
