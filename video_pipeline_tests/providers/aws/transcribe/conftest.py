"""A film with sound, and deployments that have Transcribe write down what is said in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.work import UnitState
from video_pipeline_tests.doubles.aws.deployment import GLOBEX
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.providers.aws.transcribe.asking_transcribe import Stage, asking_transcribe
from video_pipeline_tests.providers.aws.transcribe.transcribing import Speech, speech
from video_pipeline_tests.servers.buckets import Servers


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.fixture
def place(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Speech:
    server = servers["ministack"]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
    return speech(server)


@pytest.fixture
def stage(
    place: Speech,
    catalog: Catalog,
    tmp_path: Path,
    film: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    with asking_transcribe(place, catalog, tmp_path, film) as stage:
        # How long nobody is asked after the vendor had no room.
        monkeypatch.setattr(stage.services.plugins["words"], "poll_seconds", 0.1)
        yield stage
        assert stage.units(GLOBEX) == [] or stage.units(GLOBEX)[0].state is UnitState.SETTLED
