"""Fixtures for the tests of the use cases: a deployment of real services, and short real videos."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.pipeline.policies import Choices, PhaseChoice, WorkPolicy
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.local.folder import FolderIngest, FolderOutputs
from video_pipeline_tests.doubles.aws.asking_rekognition import Cloud, asking_rekognition
from video_pipeline_tests.doubles.delivery import delivered, encode
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorShots, VendorSpeech
from video_pipeline_tests.doubles.vendor import Vendor
from video_pipeline_tests.servers.buckets import MadeBucket

Deliver = Callable[..., VideoKey]


@pytest.fixture(scope="session")
def short_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with two shots and a tone."""
    return encode(tmp_path_factory.mktemp("media") / "short.mp4")


@pytest.fixture(scope="session")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in six seconds."""
    return encode(tmp_path_factory.mktemp("media") / "long.mp4", seconds=6)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor() as vendor:
        yield vendor


@pytest.fixture
def services(tmp_path: Path, catalog: Catalog, vendor: Vendor) -> Services:
    """Real storage, catalogue and media, with the vendor's plugins.

    `with-token` and `without-token` find shots, and the first is chosen. `speech` transcribes.
    """
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with_token = VendorOptions(url=vendor.url, timeout_seconds=3)
    without = VendorOptions(url=vendor.url, token=False, timeout_seconds=3)
    (tmp_path / "ingest").mkdir()
    return Services(
        catalog=catalog,
        ingest=FolderIngest(tmp_path / "ingest"),
        outputs=FolderOutputs(tmp_path / "outputs"),
        media=ChildMediaReader(),
        plugins={
            "with-token": VendorShots(with_token),
            "without-token": VendorShots(without),
            "speech": VendorSpeech(with_token),
        },
        choices=Choices(
            phases={
                Phase.SHOTS: PhaseChoice(providers=("with-token",)),
                Phase.TRANSCRIPT: PhaseChoice(providers=("speech",)),
            }
        ),
        scratch=scratch,
        policy=WorkPolicy(lease_seconds=1, backoff_seconds=0.01),
    )


@pytest.fixture
def deliver(services: Services, tmp_path: Path, short_video: Path) -> Deliver:
    """Return a function that puts a file into the ingest store, registers and inspects it."""

    def deliver(key: str, file: Path = short_video, *, inspected: bool = True) -> VideoKey:
        return delivered(services, tmp_path / "ingest", key, file, inspected=inspected)

    return deliver


@pytest.fixture
def choosing(services: Services) -> Callable[..., Services]:
    """Return a function that returns the deployment with another choice for a phase."""

    def choosing(phase: Phase, *providers: str, **more: Any) -> Services:
        choice = PhaseChoice(providers=providers, **more)
        phases = {**services.choices.phases, phase: choice}
        return replace(services, choices=Choices(phases=phases))

    return choosing


@pytest.fixture
def cloud(
    services: Services,
    moto_bucket: MadeBucket,
    short_video: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Cloud]:
    """The same deployment with shots by a double of Rekognition, and videos in a bucket."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto_bucket.server.endpoint)
    with asking_rekognition(services, moto_bucket, short_video) as cloud:
        yield cloud
