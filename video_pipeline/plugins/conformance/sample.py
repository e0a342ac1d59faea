"""A small generated video for the conformance suite: frames, audio, facts."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from video_pipeline.domain.media import AudioStream, MediaInfo, VideoStream
from video_pipeline.domain.time import FrameRate
from video_pipeline.plugins.inputs import AUDIO_RATE, Audio, FrameBatch, Frames, Inputs, ObjectRef

RATE = Fraction(30_000, 1001)
_FRAMES = 90
_SHAPE = (90, 160)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a plugin under test is fed. `frames` are all frames of the video, for streams."""

    media: MediaInfo
    inputs: Inputs
    frames: tuple[FrameBatch, ...] = ()

    def in_batches_of(self, count: int) -> Iterator[FrameBatch]:
        """Yield the same frames, at most `count` a batch."""
        for batch in self.frames:
            for at in range(0, len(batch.pts), count):
                yield FrameBatch(
                    pixels=batch.pixels[at : at + count],
                    pts=batch.pts[at : at + count],
                    time_base=batch.time_base,
                    first=batch.first + at,
                )


def drawn_sample(folder: Path, frames: Frames | None) -> Sample:
    """Return three seconds at 30000/1001: two still images with a cut between, and a tone."""
    duration = _FRAMES / RATE
    audio = folder / "sample.s16"
    samples = round(duration * AUDIO_RATE)
    tone = np.sin(np.arange(samples) * (2 * np.pi * 440 / AUDIO_RATE)) * 8000
    tone.astype("<i2").tofile(audio)
    facts = MediaInfo(
        container="mp4",
        size=100_000,
        sha256="5a" * 32,
        duration=duration,
        video=VideoStream(
            codec="h264",
            width=_SHAPE[1],
            height=_SHAPE[0],
            frame_rate=FrameRate(per_second=RATE),
            time_base=1 / RATE,
            duration=duration,
            frames=_FRAMES,
        ),
        audio=AudioStream(codec="aac", sample_rate=AUDIO_RATE, channels=1, duration=duration),
    )
    inputs = Inputs(
        audio=Audio(path=audio, samples=samples),
        object=ObjectRef(uri="file:///sample.mp4", version="1"),
    )
    return Sample(facts, inputs, (_frames(frames),) if frames else ())


def _frames(wanted: Frames) -> FrameBatch:
    """Draw a bright disc on the left, then a dark one on the right."""
    height = wanted.height or wanted.width * _SHAPE[0] // _SHAPE[1]
    rows, columns = np.mgrid[0:height, 0 : wanted.width]
    numbers = np.arange(0, _FRAMES, wanted.every)
    left = np.hypot(rows - height / 2, columns - wanted.width / 4) < height / 3
    right = np.hypot(rows - height / 2, columns - wanted.width * 3 / 4) < height / 3
    first = np.where(left, 230, 40).astype(np.uint8)
    second = np.where(right, 20, 190).astype(np.uint8)
    pixels = np.stack([first if number < _FRAMES // 2 else second for number in numbers])
    if wanted.pixel_format != "gray":
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    return FrameBatch(pixels=pixels, pts=numbers.astype(np.int64), time_base=1 / RATE, first=0)
