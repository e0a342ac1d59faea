"""Every task reads the same streams: the default ones, and no picture for a film."""

from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from video_pipeline.domain.errors import MediaError
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.plugins.inputs import Frames
from video_pipeline_tests.media.test_served import Counted

GRAY = Frames(width=16, height=16, pixel_format="gray")
NONE, DEFAULT = Disposition(0), Disposition.default


def _joined(path: Path, *parts: tuple[Path, str, Disposition, str]) -> Path:
    """Write the only stream of this kind of each file, with a disposition and a language."""
    inputs = [av.open(str(source)) for source, *_ in parts]
    with av.open(str(path), "w") as output:
        packets = []
        for source, (_, kind, disposition, language) in zip(inputs, parts, strict=True):
            (stream,) = (one for one in source.streams if one.type == kind)
            copy = output.add_stream_from_template(stream)
            copy.disposition, copy.metadata["language"] = disposition, language
            found = [packet for packet in source.demux(stream) if packet.size]
            packets += [(packet.dts * packet.time_base, copy, packet) for packet in found]
        for _, copy, packet in sorted(packets, key=lambda one: one[0]):
            packet.stream = copy
            output.mux(packet)
    for source in inputs:
        source.close()
    return path


@pytest.fixture
def silent(make, film):
    return make(film(codec=None, name="a.m4a", audio="aac", beep=9))


@pytest.fixture
def beeping(make, film):
    return make(film(codec=None, name="b.m4a", audio="aac", audio_rate=22_050))


@pytest.mark.parametrize(
    ("name", "first", "second", "rate", "left_out"),
    [
        ("a.mp4", NONE, DEFAULT, 22_050, "1 of 2 (fra, aac) is left out: stream 2 is the default"),
        ("a.mkv", NONE, DEFAULT, 22_050, "1 of 2 (fra, aac) is left out: stream 2 is the default"),
        ("a.mkv", DEFAULT, NONE, 48_000, "2 of 2 (eng, aac) is left out: stream 1 is the default"),
        ("a.mkv", NONE, NONE, 48_000, "2 of 2 (eng, aac) is left out: stream 1 is the first"),
        ("a.mkv", DEFAULT, DEFAULT, 48_000, "2 of 2 (eng, aac) is left out: stream 1 is the first"),
    ],
)
def test_default_audio_goes_before_the_first(
    room, make, film, silent, beeping, tmp_path, name, first, second, rate, left_out
):
    parts = [(silent, "audio", first, "fra"), (beeping, "audio", second, "eng")]
    path = _joined(tmp_path / name, (make(film()), "video", DEFAULT, "und"), *parts)
    media = room.probe(path)
    assert media.audio.sample_rate == rate
    assert media.warnings == (f"audio stream {left_out}",)
    samples, _ = room.audio(path, tmp_path / "a.raw")
    assert bool(np.abs(samples).max() > 0.2) == (rate == 22_050)


@pytest.fixture
def picture(make, film):
    return make(film(name="a.mkv", codec="mjpeg", frames=1, size=(64, 64)))


def test_film_goes_before_a_picture(room, make, film, picture, tmp_path):
    parts = [(picture, "video", DEFAULT, "und"), (make(film()), "video", DEFAULT, "und")]
    path = _joined(tmp_path / "a.mkv", *parts)
    media = room.probe(path)
    assert (media.video.codec, media.video.frames) == ("h264", 50)
    assert media.warnings == ("video stream 1 of 2 (mjpeg) is left out: it is a still picture",)
    assert room.decode(path, GRAY).end.frames == 50
    served = ChildMediaReader().probe(Counted(path.read_bytes()), "0" * 64)
    assert served.video and served.video.codec == "h264"


def test_picture_beside_audio_is_no_film(room, picture, beeping, tmp_path):
    parts = [(picture, "video", NONE, "und"), (beeping, "audio", NONE, "und")]
    media = room.probe(_joined(tmp_path / "a.mkv", *parts))
    assert media.video is None and media.audio
    assert "video stream 1 of 1 (mjpeg) is left out: it is a still picture" in media.warnings


def test_picture_alone_is_refused(room, picture):
    with pytest.raises(MediaError, match="it is a still picture") as raised:
        room.probe(picture)
    assert "more than one frame" in raised.value.remedy


def test_film_of_pictures_is_a_film(room, make, film):
    media = room.probe(make(film(name="a.avi", codec="mjpeg", frames=2)))
    assert (media.video.codec, media.video.frames, media.warnings) == ("mjpeg", 2, ())


def test_second_film_is_left_out_with_a_warning(room, make, film, tmp_path):
    films = [(make(film(frames=count)), "video", NONE, "und") for count in (10, 20)]
    media = room.probe(_joined(tmp_path / "a.mkv", *films))
    assert media.video.frames == 10
    assert media.warnings == ("video stream 2 of 2 (h264) is left out: stream 1 is the first",)
