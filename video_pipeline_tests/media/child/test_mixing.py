"""Channels are mixed to one that is heard, whatever their number, rate and format."""

from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from numpy.typing import NDArray

SECONDS = 3


def _tone(rate: int, hertz: float = 440) -> NDArray[np.float32]:
    moments = np.arange(SECONDS * rate) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * moments)).astype(np.float32)


def _write(path: Path, codec: str, rate: int, layout: str, channels: list[NDArray[np.float32]]):
    sound = np.stack(channels)
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, AudioStream)
        convert = AudioResampler(stream.format.name, layout, rate)
        for first in range(0, sound.shape[1], 1024):
            piece = sound[:, first : first + 1024].T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(piece, format="flt", layout=layout)
            frame.sample_rate, frame.pts = rate, first
            for ready in convert.resample(frame):
                output.mux(stream.encode(ready))
        output.mux(stream.encode(None))
    return path


def _heard(room, path, tmp_path):
    media = room.probe(path)
    with path.open("rb") as source:
        audio = room.reader.audio(source, media, tmp_path / "a.raw")
    return audio.read(), audio.warnings


FORMATS = [
    ("a.m4a", "aac", 48_000),
    ("a.wav", "pcm_s16le", 44_100),
    ("a.wav", "pcm_s32le", 96_000),
    ("a.wav", "pcm_f32le", 48_000),
    ("a.wav", "pcm_u8", 8_000),
    ("a.flac", "flac", 48_000),
]


@pytest.mark.parametrize(("name", "codec", "rate"), FORMATS)
def test_inverted_channel_leaves_the_other_one(room, tmp_path, name, codec, rate):
    tone = _tone(rate)
    samples, warnings = _heard(
        room, _write(tmp_path / name, codec, rate, "stereo", [tone, -tone]), tmp_path
    )
    assert abs(np.sqrt(np.mean(samples**2)) - 0.5 / np.sqrt(2)) < 0.02
    (warning,) = warnings
    assert warning.startswith("right and left cancel each other in ")


@pytest.mark.parametrize(("name", "codec", "rate"), FORMATS)
def test_other_stereo_is_mixed_as_ever(room, tmp_path, name, codec, rate):
    path = _write(tmp_path / name, codec, rate, "stereo", [_tone(rate), _tone(rate, 660)])
    samples, warnings = _heard(room, path, tmp_path)
    mix = AudioResampler("s16", "mono", 16_000)
    with av.open(str(path), "r") as source:
        frames = [*source.decode(audio=0), None]
        pieces = [ready.to_ndarray()[0] for frame in frames for ready in mix.resample(frame)]
    assert np.array_equal(np.concatenate(pieces), np.round(samples * 32768).astype(np.int16))
    assert warnings == ()


def test_only_the_inverted_part_is_replaced(room, tmp_path):
    tone = _tone(48_000)
    right = np.concatenate([-tone[: len(tone) * 2 // 3], tone[len(tone) * 2 // 3 :]])
    path = _write(tmp_path / "a.wav", "pcm_s16le", 48_000, "stereo", [tone, right])
    samples, warnings = _heard(room, path, tmp_path)
    assert np.abs(samples[1000:-1000].reshape(-1, 1000)).max(axis=1).min() > 0.4
    assert "in 2.0 of 3.0 s" in warnings[0]


def test_weaker_inverted_channel_is_replaced(room, tmp_path):
    tone = _tone(48_000)
    path = _write(tmp_path / "a.wav", "pcm_s16le", 48_000, "stereo", [tone, -0.8 * tone])
    samples, _ = _heard(room, path, tmp_path)
    assert np.sqrt(np.mean(samples**2)) > 0.3


@pytest.mark.parametrize("layout", ["5.1", "7.1"])
def test_inverted_pair_of_surround_is_replaced(room, tmp_path, layout):
    tone = _tone(48_000)
    channels = [tone, -tone] + [np.zeros_like(tone)] * (4 if layout == "5.1" else 6)
    path = _write(tmp_path / "a.wav", "pcm_s16le", 48_000, layout, channels)
    samples, warnings = _heard(room, path, tmp_path)
    assert np.sqrt(np.mean(samples**2)) > 0.05
    assert len(warnings) == 1


def test_silence_is_no_inversion(room, tmp_path):
    nothing = np.zeros(SECONDS * 48_000, np.float32)
    path = _write(tmp_path / "a.wav", "pcm_s16le", 48_000, "stereo", [nothing, nothing])
    samples, warnings = _heard(room, path, tmp_path)
    assert (samples.any(), warnings) == (False, ())
