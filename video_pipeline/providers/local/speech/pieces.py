"""Pieces of audio in which only speech is left, and the way back to the audio's own times.

The parts of a piece are joined without the silence between them. A piece has a bounded length, so
that the memory of a transcription does not grow with the video.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from video_pipeline.domain.time import TimeRange
from video_pipeline.plugins.inputs import AUDIO_RATE, Audio

# Silence that is kept before and after speech: Whisper cuts words off without it.
_PAD = int(0.4 * AUDIO_RATE)
# Shorter silence between two parts is kept whole.
_JOINED = 2 * AUDIO_RATE
# Samples of a piece: five minutes, unless one part is longer.
_LONGEST = 300 * AUDIO_RATE

Part = tuple[int, int]
"""Samples [first, after)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Parts of an audio, one after the other."""

    parts: tuple[Part, ...]

    def read(self, audio: Audio) -> NDArray[np.float32]:
        return np.concatenate([audio.read(first, after - first) for first, after in self.parts])

    def span(self, start: float, end: float) -> tuple[float, float]:
        """Return seconds of the piece as seconds of the audio, within the part of their middle."""
        joins = [0, *accumulate(after - first for first, after in self.parts)]
        middle = (start + end) / 2 * AUDIO_RATE
        at = min(max(bisect_right(joins, middle) - 1, 0), len(self.parts) - 1)
        first, after = (sample / AUDIO_RATE for sample in self.parts[at])
        shift = first - joins[at] / AUDIO_RATE
        start, end = (round(min(max(one + shift, first), after), 4) for one in (start, end))
        return start, end


def whole(audio: Audio) -> Iterator[Piece]:
    """Yield the audio as one piece, with all its silence."""
    yield Piece(((0, audio.samples),))


def pieces(audio: Audio, speech: Iterable[TimeRange]) -> Iterator[Piece]:
    """Yield pieces with all of the speech."""
    parts: list[Part] = []
    for part in _parts(audio, speech):
        if parts and _length(parts) + part[1] - part[0] > _LONGEST:
            yield Piece(tuple(parts))
            parts = []
        parts.append(part)
    if parts:
        yield Piece(tuple(parts))


def _length(parts: Sequence[Part]) -> int:
    return sum(after - first for first, after in parts)


def _parts(audio: Audio, speech: Iterable[TimeRange]) -> Iterator[Part]:
    """Yield the padded parts, joined where the silence between them is short."""
    held: Part | None = None
    for heard in speech:
        first, after = (_sample(audio, moment) for moment in (heard.start, heard.end))
        if held and first - held[1] < _JOINED:
            held = held[0], after
            continue
        if held:
            yield _padded(audio, held)
        held = first, after
    if held:
        yield _padded(audio, held)


def _padded(audio: Audio, part: Part) -> Part:
    return max(0, part[0] - _PAD), min(audio.samples, part[1] + _PAD)


def _sample(audio: Audio, moment: Fraction) -> int:
    return min(max(round((moment - audio.start) * AUDIO_RATE), 0), audio.samples)
