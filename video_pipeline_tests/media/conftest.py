"""Media made for the tests by PyAV: every picture tells its number, every sound its moment."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from video_pipeline.domain.media import DecodedVideo, MediaInfo
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.media.reader import Candidate, CandidateSpec, FedFrames, MediaLimits
from video_pipeline.plugins.inputs import Frames

_AUDIO_STEP = 1024


@dataclass(frozen=True)
class Film:
    """A file to make. Moments are in seconds; `ticks` are the pictures' timestamps."""

    name: str = "film.mp4"
    frames: int = 50
    rate: Fraction = Fraction(25)
    size: tuple[int, int] = (160, 120)
    codec: str | None = "libx264"
    ticks: tuple[int, ...] | None = None
    time_base: Fraction | None = None
    rotation: int = 0
    aspect: Fraction | None = None
    keyframes: int = 12
    audio: str | None = None
    audio_rate: int = 48_000
    audio_seconds: float = 2.0
    audio_from: float = 0.0
    audio_gap: tuple[float, float] | None = None
    audio_jump: tuple[float, float] | None = None
    """From this moment on, timestamps are later by so many seconds."""
    beep: float = 1.0
    colour: tuple[int, int, int] | None = None
    faststart: bool = False
    pixels: str | None = None
    hdr: bool = False
    tags: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    """Options of the encoder."""


def level(number: int) -> int:
    """How bright picture `number` is."""
    return 40 + number * 37 % 180


def _picture(film: Film, number: int) -> av.VideoFrame:
    """One gray or colour, the upper left quarter white, so that turning and mirroring show."""
    width, height = film.size
    pixels = np.full((height, width, 3), film.colour or level(number), np.uint8)
    pixels[: height // 2, : width // 2] = 255
    frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
    return frame.reformat(format=_pixels(film))


def _pixels(film: Film) -> str:
    width, height = film.size
    return film.pixels or ("yuv420p" if not (width | height) & 1 else "yuv444p")


def _video(film: Film, output: OutputContainer) -> VideoStream | None:
    if film.codec is None:
        return None
    stream = output.add_stream(film.codec, rate=film.rate)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = film.size
    stream.pix_fmt = _pixels(film)
    if film.hdr:
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9
    if film.codec == "mjpeg":
        stream.codec_context.color_range = 2
    stream.codec_context.gop_size = film.keyframes
    stream.codec_context.time_base = film.time_base or 1 / film.rate
    if film.codec == "libx264":
        options = {"preset": "ultrafast", "crf": "10", "bf": "2", **dict(film.options)}
        stream.codec_context.options = options
    else:
        stream.codec_context.bit_rate = 2_000_000
        stream.codec_context.options = dict(film.options)
    if film.rotation:
        stream.set_display_rotation(-film.rotation)
    if film.aspect:
        stream.codec_context.sample_aspect_ratio = film.aspect
    return stream


def _write_pictures(film: Film, output: OutputContainer, stream: VideoStream) -> None:
    for number in range(film.frames):
        frame = _picture(film, number)
        frame.pts = number if film.ticks is None else film.ticks[number]
        frame.time_base = film.time_base or 1 / film.rate
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def _sound(film: Film) -> NDArray[np.float32]:
    """Silence, but for a beep of 0.2 s."""
    moments = np.arange(int(film.audio_seconds * film.audio_rate)) / film.audio_rate
    heard = (moments >= film.beep) & (moments < film.beep + 0.2)
    return (heard * np.sin(2 * np.pi * 1000 * moments) * 0.8).astype(np.float32)


def _offset(film: Film, moment: float) -> float:
    after, by = film.audio_jump or (moment + 1, 0)
    return film.audio_from + (by if moment >= after else 0)


def _write_sound(film: Film, output: OutputContainer, stream: AudioStream) -> None:
    sound = _sound(film)
    gap = film.audio_gap
    for first in range(0, len(sound), _AUDIO_STEP):
        if gap and gap[0] <= first / film.audio_rate < gap[1]:
            continue
        samples = sound[first : first + _AUDIO_STEP]
        if stream.format.name == "s16":
            frame = av.AudioFrame.from_ndarray(
                (samples * 32767).astype(np.int16)[None], format="s16", layout="mono"
            )
        else:
            frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = film.audio_rate
        frame.time_base = Fraction(1, film.audio_rate)
        frame.pts = first + round(_offset(film, first / film.audio_rate) * film.audio_rate)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def _make(film: Film, path: Path) -> None:
    options = {"movflags": "+faststart"} if film.faststart else {}
    with av.open(str(path), "w", options=options) as output:
        video = _video(film, output)
        sound = None
        if film.audio:
            sound = output.add_stream(film.audio, rate=film.audio_rate, layout="mono")
            assert isinstance(sound, AudioStream)
        output.metadata.update(film.tags)
        if video:
            video.metadata.update(film.tags)
            _write_pictures(film, output, video)
        if sound:
            _write_sound(film, output, sound)


MakeFilm = Callable[[Film], Path]


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> MakeFilm:
    """Makes a film, once a session. Copy it before changing it."""
    folder = tmp_path_factory.mktemp("films")

    def made(film: Film) -> Path:
        place = folder / hashlib.sha256(repr(film).encode()).hexdigest()[:16]
        path = place / film.name
        if not path.exists():
            place.mkdir()
            _make(film, path)
        return path

    return made


@pytest.fixture(scope="session")
def film() -> type[Film]:
    """What `make` makes."""
    return Film


@pytest.fixture(scope="session")
def brightness() -> Callable[[int], int]:
    """How bright the picture with this number is."""
    return level


@pytest.fixture
def reader() -> ChildMediaReader:
    """The reader with its default limits."""
    return ChildMediaReader()


@dataclass
class Decoded:
    """All that a decode gave, put together by feed."""

    frames: list[NDArray[np.uint8]]
    moments: list[list[Fraction]]
    numbers: list[list[int]]
    candidates: list[Candidate]
    end: DecodedVideo


class Room:
    """Opens a file and uses the reader on it as the pipeline does."""

    def __init__(self, limits: MediaLimits | None = None) -> None:
        self.reader = ChildMediaReader(limits or MediaLimits())

    def probe(self, path: Path) -> MediaInfo:
        with path.open("rb") as source:
            return self.reader.probe(source, "0" * 64)

    def decode(
        self, path: Path, *feeds: Frames, candidates: CandidateSpec | None = None
    ) -> Decoded:
        media = self.probe(path)
        batches: list[list[FedFrames]] = [[] for _ in feeds]
        pictures: list[Candidate] = []
        end: DecodedVideo | None = None
        with path.open("rb") as source:
            for value in self.reader.decode(source, media, feeds, candidates):
                assert end is None
                if isinstance(value, FedFrames):
                    batches[value.feed].append(value)
                elif isinstance(value, Candidate):
                    pictures.append(value)
                else:
                    end = value.decoded
        assert end is not None
        return Decoded(
            [_joined(fed) for fed in batches],
            [[at for b in fed for at in _moments(b)] for fed in batches],
            [[n for b in fed for n in _numbers(b, f.every)] for fed, f in zip(batches, feeds)],  # noqa: B905
            pictures,
            end,
        )

    def audio(self, path: Path, into: Path) -> tuple[NDArray[np.float32], Fraction]:
        """The samples and when the first one is heard."""
        media = self.probe(path)
        with path.open("rb") as source:
            audio = self.reader.audio(source, media, into)
        assert into.stat().st_size == audio.samples * 2
        return audio.read(), audio.start


def _joined(fed: Sequence[FedFrames]) -> NDArray[np.uint8]:
    return np.concatenate([value.batch.pixels for value in fed]) if fed else np.empty(0, np.uint8)


def _moments(fed: FedFrames) -> list[Fraction]:
    return [fed.batch.start_of(index) for index in range(len(fed.batch.pts))]


def _numbers(fed: FedFrames, every: int) -> list[int]:
    return [fed.batch.first + index * every for index in range(len(fed.batch.pts))]


@pytest.fixture
def room() -> Room:
    """The reader in use, with its default limits."""
    return Room()


@pytest.fixture
def room_with() -> Callable[..., Room]:
    """The reader in use, with these limits."""
    return lambda **limits: Room(MediaLimits(**limits))


@pytest.fixture
def children() -> Callable[[], set[int]]:
    """The processes that this one has started and not yet reaped."""

    def found() -> set[int]:
        tasks = Path("/proc/self/task").iterdir()
        return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}

    return found


@pytest.fixture
def footage() -> list[Path]:
    """Real footage in the folder that VIDEO_PIPELINE_TEST_MEDIA names."""
    folder = os.environ.get("VIDEO_PIPELINE_TEST_MEDIA")
    if not folder:
        pytest.skip("set VIDEO_PIPELINE_TEST_MEDIA to a folder of real videos")
    return [path for path in sorted(Path(folder).iterdir()) if path.suffix in {".mp4", ".webm"}]
