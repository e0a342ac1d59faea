"""What the tests of the use cases share: a deployment of real parts, and a short real video."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from video_pipeline.catalog.mongo import MongoCatalog
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import Source
from video_pipeline.media.child import ChildMediaReader
from video_pipeline.pipeline.choices import Choices, PhaseChoice
from video_pipeline.pipeline.inspect import media_info, source_video
from video_pipeline.pipeline.services import Services, WorkPolicy
from video_pipeline.storage.folder import FolderIngest, FolderOutputs
from video_pipeline_tests.fakes.job_plugin import VendorOptions, VendorShots, VendorSpeech
from video_pipeline_tests.fakes.vendor import Vendor

Deliver = Callable[..., VideoKey]


def encode(path: Path, *, seconds: int = 2, video: bool = True, audio: bool = True) -> Path:
    """A real MP4: a picture that changes at half time, and a tone."""
    with av.open(str(path), "w") as out:
        pictures = out.add_stream("libx264", rate=25) if video else None
        if pictures is not None:
            pictures.width, pictures.height, pictures.pix_fmt = 160, 90, "yuv420p"
        tone = out.add_stream("aac", rate=16000, layout="mono") if audio else None
        if pictures is not None:
            for number in range(seconds * 25):
                shade = 40 if number < seconds * 25 / 2 else 200
                frame = av.VideoFrame.from_ndarray(np.full((90, 160, 3), shade, np.uint8))
                frame.pts, frame.time_base = number, Fraction(1, 25)
                out.mux(pictures.encode(frame))
            out.mux(pictures.encode())
        if tone is not None:
            wave = np.sin(np.arange(seconds * 16000) / 8).astype(np.float32).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(wave, "flt", "mono")
            sound.sample_rate, sound.pts = 16000, 0
            out.mux(tone.encode(sound))
            out.mux(tone.encode())
    return path


@pytest.fixture(scope="session")
def short_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with two shots and a tone."""
    return encode(tmp_path_factory.mktemp("media") / "short.mp4")


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor() as vendor:
        yield vendor


@pytest.fixture
def services(tmp_path: Path, catalog: MongoCatalog, vendor: Vendor) -> Services:
    """Real storage, catalogue and media; the vendor's plugins under four names.

    `with-token` and `without-token` find shots, `speech` transcribes; shots are asked of the
    first, transcripts of the last.
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
    """Puts a file into the ingest store, registers it, and inspects it unless told otherwise."""

    def deliver(key: str, file: Path = short_video, *, inspected: bool = True) -> VideoKey:
        video = VideoKey.parse(key)
        target = tmp_path / "ingest" / video.prefix / "video.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
        object_key = f"{video.prefix}video.mp4"
        found = services.ingest.project(video.project).stat(object_key)
        assert found is not None
        source = Source(
            key=video,
            object_key=object_key,
            name=video.video,
            version=found.version,
            size=found.size,
        )
        services.of(video.project).videos.register(source, services.clock())
        if inspected:
            for step in (source_video, media_info):
                assert step(services, video).state.good
        return video

    return deliver


@pytest.fixture
def choosing(services: Services) -> Callable[..., Services]:
    """The same deployment with other choices for a phase."""

    def choosing(phase: Phase, *providers: str, **more: Any) -> Services:
        choice = PhaseChoice(providers=providers, **more)
        phases = {**services.choices.phases, phase: choice}
        return replace(services, choices=Choices(phases=phases))

    return choosing
