"""Measure the signals of a video from its decoded frames and its audio, in bounded memory."""

from array import array
from collections import deque
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from video_pipeline.domain.media import DecodedVideo
from video_pipeline.pipeline.services import FindSpeech
from video_pipeline.plugins.base import Progress
from video_pipeline.plugins.inputs import AUDIO_RATE, Audio, FrameBatch, Frames
from video_pipeline.plugins.signals import (
    CHANGE_LEVELS,
    LOUDNESS_STEP,
    PictureSignals,
    SoundSignals,
)

# What the pictures are measured on. Scaling to it costs 0.25 CPU-s for ten minutes of 720p.
FEED = Frames(width=48, height=27, pixel_format="gray")
# Frames are compared by the means of blocks of so many pixels a side: noise cancels in them.
_BLOCK = 3
# More values a second are put together, so that an hour takes less than 1 MB.
_MOST_A_SECOND = 60
_LOUDNESS_SAMPLES = int(AUDIO_RATE * LOUDNESS_STEP)
_FULL_SCALE = 32768.0
_QUIETEST = 255


class PictureMeter:
    """Measures every frame of one decode, in order."""

    def __init__(self) -> None:
        self._ticks = array("q")
        self._series = {name: array("B") for name in _MEASURES}
        self._time_base = Fraction(1)
        self._recent = deque[tuple[int, NDArray[np.float32]]]()

    def feed(self, batch: FrameBatch) -> None:
        """Take the next frames, as FEED has them."""
        self._time_base = batch.time_base
        blocks = _blocks(batch.pixels)
        self._ticks.extend(int(tick) for tick in batch.pts)
        measured = {
            "luma": blocks.mean(axis=1),
            "contrast": batch.pixels.std(axis=(1, 2)),
            "change": self._change_from_before(blocks),
            "change_in_a_second": self._change_from_a_second_ago(batch, blocks),
        }
        for name, values in measured.items():
            self._series[name].frombytes(_levels(values, _MEASURES[name]).tobytes())

    def finish(self, content: str, decoded: DecodedVideo) -> PictureSignals:
        """Return the signals. A fast video has one value for several frames."""
        seconds = max(1, int(decoded.end))
        together = max(1, -(-len(self._ticks) // (_MOST_A_SECOND * seconds)))
        ticks = np.frombuffer(self._ticks, np.int64)[::together]
        series = {
            name: _joined(np.frombuffer(values, np.uint8), together)
            for name, values in self._series.items()
        }
        return PictureSignals(
            content=content, decoded=decoded, time_base=self._time_base, ticks=ticks, **series
        )

    def _change_from_before(self, blocks: NDArray[np.float32]) -> NDArray[np.float32]:
        first = self._recent[-1][1] if self._recent else blocks[0]
        return np.abs(np.diff(blocks, axis=0, prepend=first[None])).mean(axis=1)

    def _change_from_a_second_ago(
        self, batch: FrameBatch, blocks: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the change from the latest frame that is at least a second older."""
        second, found = int(1 / batch.time_base), list[float]()
        for tick, block in zip(batch.pts, blocks, strict=True):
            now = int(tick)
            self._recent.append((now, block))
            while len(self._recent) > 1 and self._recent[1][0] <= now - second:
                self._recent.popleft()
            found.append(float(np.abs(block - self._recent[0][1]).mean()))
        return np.array(found, np.float32)


# What is measured, and the size of a unit in levels.
_MEASURES = {
    "luma": 1.0,
    "contrast": 1.0,
    "change": CHANGE_LEVELS,
    "change_in_a_second": CHANGE_LEVELS,
}


def _blocks(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    count, height, width = pixels.shape
    tiled = pixels.reshape(count, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    return tiled.mean(axis=(2, 4), dtype=np.float32).reshape(count, -1)


def _levels(values: NDArray[Any], unit: float) -> NDArray[np.uint8]:
    return np.clip(np.rint(values / unit), 0, 255).astype(np.uint8)


def _joined(values: NDArray[np.uint8], together: int) -> NDArray[np.uint8]:
    """Return the largest of each so many values: a change must not get lost."""
    whole = np.pad(values, (0, -len(values) % together), "edge" if len(values) else "constant")
    return whole.reshape(-1, together).max(axis=1) if len(whole) else whole


def measure_sound(
    content: str,
    audio: Audio,
    find_speech: FindSpeech | None,
    progress: Progress = lambda fraction: None,
) -> SoundSignals:
    """Return loudness and speech of the audio, read in pieces."""
    return SoundSignals(
        content=content,
        start=audio.start,
        duration=audio.duration,
        loudness=_loudness(audio),
        speech=None if find_speech is None else find_speech(audio, progress),
    )


def _loudness(audio: Audio) -> NDArray[np.uint8]:
    found, left = list[NDArray[np.uint8]](), audio.samples
    with audio.path.open("rb") as file:
        while left:
            count = min(left, _LOUDNESS_SAMPLES * 1000)
            samples = np.fromfile(file, "<i2", count)
            left = left - count if len(samples) == count else 0
            found.append(_half_decibels(samples))
    return np.concatenate(found) if found else np.zeros(0, np.uint8)


def _half_decibels(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    scaled = np.pad(samples, (0, -len(samples) % _LOUDNESS_SAMPLES)).astype(np.float32)
    power = np.square(scaled / _FULL_SCALE).reshape(-1, _LOUDNESS_SAMPLES).mean(axis=1)
    with np.errstate(divide="ignore"):
        decibels = -10 * np.log10(power)
    return np.clip(np.rint(2 * decibels), 0, _QUIETEST).astype(np.uint8)
