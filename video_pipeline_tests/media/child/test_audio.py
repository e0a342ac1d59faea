"""Audio comes as 16 kHz mono on the clock of the video: its sample 0 is at time zero."""

from fractions import Fraction

import numpy as np
import pytest

from video_pipeline.domain.errors import MediaError

RATE = 16_000


def beep(samples) -> float:
    """When the first loud sample is heard, in seconds."""
    return float(np.argmax(np.abs(samples) > 0.2)) / RATE


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp4", "aac", 48_000),
        ("a.mkv", "pcm_s16le", 44_100),
        ("a.ts", "aac", 22_050),
        ("a.mkv", "pcm_s16le", 16_000),
    ],
)
def test_sounds_are_where_they_are_seen(room, make, film, tmp_path, name, codec, rate):
    path = make(film(name=name, audio=codec, audio_rate=rate))
    samples, start = room.audio(path, tmp_path / "a.raw")
    assert start == 0
    assert abs(beep(samples) - 1) < 0.01
    assert abs(len(samples) / RATE - 2) < 0.06


def test_a_late_start_is_preceded_by_silence(room, make, film, tmp_path):
    path = make(film(name="a.mkv", audio="pcm_s16le", audio_from=0.5))
    samples, start = room.audio(path, tmp_path / "a.raw")
    assert (start, len(samples)) == (0, int(2.5 * RATE))
    assert not samples[: RATE // 2].any()
    assert abs(beep(samples) - 1.5) < 0.002


def test_a_very_late_start_is_told_and_not_filled(room, make, film, tmp_path):
    path = make(film(name="a.mkv", audio="pcm_s16le", audio_from=700, frames=10))
    samples, start = room.audio(path, tmp_path / "a.raw")
    assert (start, len(samples)) == (700, 2 * RATE)


def test_samples_before_time_zero_are_left_out(room, make, film, tmp_path):
    """The picture starts at 0.6 s of the container, so the beep at 1 s is heard at 0.4 s."""
    path = make(film(name="a.mkv", ticks=tuple(range(15, 65)), audio="pcm_s16le"))
    samples, start = room.audio(path, tmp_path / "a.raw")
    assert (start, len(samples)) == (0, int(1.4 * RATE))
    assert abs(beep(samples) - 0.4) < 0.002


def test_a_gap_is_filled_with_silence(room, make, film, tmp_path):
    path = make(film(name="a.mkv", audio="pcm_s16le", audio_gap=(0.2, 0.7)))
    samples, _ = room.audio(path, tmp_path / "a.raw")
    assert abs(beep(samples) - 1) < 0.002
    assert abs(len(samples) - 2 * RATE) <= 16


def test_without_video_time_zero_is_the_first_sample(room, make, film, tmp_path):
    path = make(film(name="a.mkv", codec=None, audio="pcm_s16le", audio_from=0.5))
    samples, start = room.audio(path, tmp_path / "a.raw")
    assert (start, len(samples)) == (0, 2 * RATE)
    assert abs(beep(samples) - 1) < 0.002


def test_an_absurd_jump_writes_no_endless_silence(room, make, film, tmp_path):
    """The second half claims to be heard after 100 hours; it is joined to the first."""
    path = make(film(name="a.mkv", audio="pcm_s16le", audio_jump=(0.8, 360_000)))
    samples, _ = room.audio(path, tmp_path / "a.raw")
    assert abs(len(samples) - 2 * RATE) <= 16
    assert abs(beep(samples) - 1) < 0.002


def test_a_long_gap_takes_no_space(room, make, film, tmp_path):
    """One hour of silence is a hole in the file."""
    path = make(film(name="a.mkv", audio="pcm_s16le", audio_jump=(0.8, 3600)))
    samples, _ = room.audio(path, tmp_path / "a.raw")
    assert abs(len(samples) - 3602 * RATE) <= 16
    assert abs(beep(samples) - 3601) < 0.002
    assert (tmp_path / "a.raw").stat().st_blocks * 512 < 1 << 20


def test_a_video_without_sound_is_refused_and_leaves_nothing(room, make, film, tmp_path):
    into = tmp_path / "a.raw"
    with pytest.raises(MediaError, match="no audio"):
        room.audio(make(film()), into)
    assert not into.exists()


def test_seconds_are_exact(room, make, film, tmp_path):
    path = make(film(name="a.mkv", audio="pcm_s16le"))
    with path.open("rb") as source:
        audio = room.reader.audio(source, room.probe(path), tmp_path / "a.raw")
    assert audio.duration == Fraction(2)
