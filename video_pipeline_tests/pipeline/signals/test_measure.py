"""Signals measured from drawn frames and sounds, and stored by a run."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from video_pipeline.domain.media import DecodedVideo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.time import FrameRate, TimeRange
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.publishing.timeline import read_timeline
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.signals import stored
from video_pipeline.pipeline.signals.measure import FEED, PictureMeter, measure_sound
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.base import Progress
from video_pipeline.plugins.inputs import AUDIO_RATE, Audio, FrameBatch
from video_pipeline.plugins.signals import PictureSignals

_CONTENT = "c" * 64


def _measured(
    frames: Sequence[NDArray[np.uint8]], rate: int = 25, batch: int = 10
) -> PictureSignals:
    meter = PictureMeter()
    for first in range(0, len(frames), batch):
        pixels = np.stack(frames[first : first + batch])
        pts = np.arange(first, first + len(pixels))
        meter.feed(FrameBatch(pixels, pts, Fraction(1, rate), first))
    end = Fraction(len(frames), rate)
    decoded = DecodedVideo(
        frames=len(frames),
        frame_rate=FrameRate(per_second=Fraction(rate)),
        last=end - Fraction(1, rate),
        end=end,
    )
    return meter.finish(_CONTENT, decoded)


def _plain(level: int) -> NDArray[np.uint8]:
    return np.full((FEED.height or 0, FEED.width), level, np.uint8)


def test_picture_change_of_a_cut() -> None:
    """Batches end anywhere: the change across their border counts too."""
    found = _measured([_plain(20)] * 30 + [_plain(50)] * 30)
    assert np.flatnonzero(found.change).tolist() == [30]
    assert found.change[30] == 30 * 4
    assert np.flatnonzero(found.change_in_a_second).tolist() == list(range(30, 55))
    assert found.luma[[29, 30]].tolist() == [20, 50]


def test_picture_change_of_noise_is_small() -> None:
    noise = np.random.default_rng(1)
    frames = [noise.integers(90, 110, (27, 48), np.uint8) for _ in range(20)]
    assert _measured(frames).change.max() <= 4 * 4


def test_a_fast_video_has_one_value_for_several_frames() -> None:
    found = _measured([_plain(20)] * 485 + [_plain(50)] * 475, rate=240)
    assert len(found.ticks) == 240
    assert found.start_of(int(np.argmax(found.change))) == Fraction(484, 240)


def test_an_hour_of_noise_takes_less_than_a_megabyte() -> None:
    """Noise compresses worst of all; a minute of it stands for the hour."""
    noise = np.random.default_rng(2)
    frames = [noise.integers(0, 255, (27, 48), np.uint8) for _ in range(60 * 60)]
    assert len(_measured(frames, rate=60).model_dump_json()) * 60 < 1 << 20


def _audio(path: Path, samples: NDArray[np.int16], **facts: Fraction) -> Audio:
    samples.astype("<i2").tofile(path)
    return Audio(path, len(samples), **facts)


def test_loudness_of_tone_and_silence(tmp_path: Path) -> None:
    time = np.arange(AUDIO_RATE) / AUDIO_RATE
    tone = (np.sin(2 * np.pi * 440 * time) * 32767).astype(np.int16)
    silence = np.zeros(AUDIO_RATE // 2, np.int16)
    audio = _audio(tmp_path / "a.s16", np.concatenate([tone, silence]), start=Fraction(1, 5))
    found = measure_sound(_CONTENT, audio, None)
    # A full-scale sine has a power of half, 3 dB below that of full scale.
    assert found.loudness.tolist() == [6] * 10 + [255] * 5
    assert (found.start, found.duration, found.speech) == (Fraction(1, 5), Fraction(3, 2), None)


@pytest.mark.parametrize("samples", [0, 1, 1601])
def test_loudness_of_short_audio(tmp_path: Path, samples: int) -> None:
    found = measure_sound(_CONTENT, _audio(tmp_path / "a", np.zeros(samples, np.int16)), None)
    assert len(found.loudness) == -(-samples // 1600)


def test_a_run_leaves_signals_and_decoded_facts(
    services: Services, deliver: Callable[..., VideoKey]
) -> None:
    speech = (TimeRange(start=Fraction(0), end=Fraction(1)),)
    asked: list[Audio] = []

    def find_speech(audio: Audio, progress: Progress) -> tuple[TimeRange, ...]:
        asked.append(audio)
        return speech

    services = replace(services, find_speech=find_speech)
    key = deliver("acme/one")
    analyse(services, key, [Phase.SHOTS, Phase.AUDIO])
    analyse(services, key, [Phase.TRANSCRIPT])
    run = VideoRun.of(services, key)
    record = run.record()
    pictures = stored.pictures(run.with_content(record.sha256 or ""))
    sound = stored.sound(run.with_content(record.sha256 or ""))
    assert pictures is not None and sound is not None
    assert pictures.decoded == record.decoded
    assert (pictures.decoded.frames, len(pictures.ticks)) == (50, 50)
    assert sound.speech == speech and len(asked) == 1
    assert read_timeline(run.catalog, key).media.decoded == record.decoded
    assert stored.pictures(run.with_content("another content")) is None
