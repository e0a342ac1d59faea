"""Real videos through the real media room, and what the providers' tests share."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.media.reader import DecodeEnd, FedFrames
from video_pipeline.plugins.inputs import Audio, Frames
from video_pipeline.providers.local.shots.pyscenedetect import PySceneDetectPlugin
from video_pipeline.providers.local.shots.transnetv2 import TransNetV2Plugin

FindShots = Callable[..., "Found"]
Listen = Callable[[Path], tuple[MediaInfo, Audio]]


@dataclass(frozen=True)
class Found:
    """The shots of one video, and the pts of the frames that were decoded."""

    media: MediaInfo
    markers: list[Marker]
    starts: list[Fraction]

    @property
    def boundaries(self) -> list[int]:
        """The numbers of the frames with which a shot begins, but for the first."""
        shots = [marker for marker in self.markers if marker.kind == Kind.SHOT]
        return [self.starts.index(shot.range.start) for shot in shots[1:]]


@pytest.fixture
def find_shots(request_for: Callable[[Phase], WorkRequest]) -> FindShots:
    """Finds the shots of a file, with the default options unless a plugin is given."""

    def find(path: Path, plugin: PySceneDetectPlugin | TransNetV2Plugin | None = None) -> Found:
        plugin = plugin or PySceneDetectPlugin()
        request = request_for(Phase.SHOTS)
        reader = ChildMediaReader()
        with path.open("rb") as source:
            media = reader.probe(source, hashlib.sha256(path.read_bytes()).hexdigest())
            fed = plugin.capabilities().fed
            assert isinstance(fed, Frames)
            stream = plugin.start(request, media)
            starts: list[Fraction] = []
            pages: list[bytes] = []
            for value in reader.decode(source, media, [fed]):
                if isinstance(value, FedFrames):
                    batch = value.batch
                    starts += [batch.start_of(index) for index in range(len(batch.pts))]
                    stream.feed(batch)
                elif isinstance(value, DecodeEnd):
                    pages = list(stream.finish(value.decoded.end))
        return Found(media, list(plugin.normalise(request, media, pages)), starts)

    return find


@pytest.fixture
def listen(tmp_path: Path) -> Listen:
    """The facts and the 16 kHz sound of a file."""

    def hear(path: Path) -> tuple[MediaInfo, Audio]:
        reader = ChildMediaReader()
        with path.open("rb") as source:
            media = reader.probe(source, hashlib.sha256(path.read_bytes()).hexdigest())
            return media, reader.audio(source, media, tmp_path / f"{path.stem}.s16")

    return hear


def new_request(phase: Phase, **parameters: str) -> WorkRequest:
    """Return a request for one phase of some video, with parameters."""
    return WorkRequest(
        key=VideoKey(project="acme", video="some-video"),
        content="0" * 64,
        provider="local",
        plugin="under test",
        account="local",
        region="local",
        operation="analyse",
        phases=(phase,),
        kinds=("shot",) if phase is Phase.SHOTS else (),
        parameters=dict(parameters),
        model="",
    )


def new_unit(request: WorkRequest) -> WorkUnit:
    """Return a work unit of a request, about to be made."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return WorkUnit(
        id="0" * 40,
        request=request,
        generation=1,
        state=UnitState.SUBMITTING,
        planned=(),
        created_at=now,
        updated_at=now,
    )


@pytest.fixture
def request_for() -> Callable[..., WorkRequest]:
    """A request for one phase of some video, with parameters."""
    return new_request


@pytest.fixture
def unit_of() -> Callable[[WorkRequest], WorkUnit]:
    """A work unit of a request, about to be made."""
    return new_unit


@pytest.fixture
def media() -> MediaInfo:
    """The facts of a video of ten seconds."""
    return MediaInfo(
        container="mp4", size=1, sha256="0" * 64, duration=Fraction(10), video=None, audio=None
    )


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of models that lives as long as the tests."""
    yield tmp_path_factory.mktemp("models")


@pytest.fixture
def more_footage() -> Path:
    """The folder with more real footage; without it the test is skipped, and says so."""
    folder = os.environ.get("VIDEO_PIPELINE_TEST_MEDIA")
    if not folder:
        pytest.skip("VIDEO_PIPELINE_TEST_MEDIA names no folder with test footage")
    return Path(folder)
