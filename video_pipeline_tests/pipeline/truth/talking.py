"""Transcripts and signals for the tests: words evenly spaced, speech where they are."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.plugins.signals import SoundSignals


def span(start: float, end: float) -> TimeRange:
    return TimeRange(
        start=Fraction(round(start * 1000), 1000), end=Fraction(round(end * 1000), 1000)
    )


def segment(text: str, start: float = 0.0, each: float = 0.5) -> Segment:
    """Return a segment whose words take `each` seconds one after another."""
    words = [
        Word(text=one, range=span(start + n * each, start + (n + 1) * each))
        for n, one in enumerate(text.split())
    ]
    return Segment(text=text, range=span(start, start + len(words) * each), words=tuple(words))


def said(*segments: Segment, **more: object) -> Transcript:
    return Transcript.model_validate({"language": "en", "segments": segments, **more})


def sound(speech: Sequence[tuple[float, float]], seconds: float) -> SoundSignals:
    """Return signals that are loud exactly where speech is."""
    loudness = np.full(int(seconds * 10), 160, np.uint8)
    for start, end in speech:
        loudness[round(start * 10) : round(end * 10)] = 40
    return SoundSignals(
        content="c" * 64,
        start=Fraction(0),
        duration=Fraction(round(seconds)),
        loudness=loudness,
        speech=tuple(span(start, end) for start, end in speech),
    )


def talk(minutes: float, seed: int = 1) -> tuple[Transcript, SoundSignals]:
    """Return sentences of irregular length with pauses, and the sound of exactly these."""
    random, segments, at = np.random.default_rng(seed), list[Segment](), 0.5
    while at < minutes * 60 - 6:
        made = segment(" ".join("abcdefgh"[: random.integers(2, 9)]), at, 0.4)
        segments.append(made)
        at = float(made.range.end) + random.uniform(0.4, 1.5)
    ranges = [(float(s.range.start), float(s.range.end)) for s in segments]
    return said(*segments), sound(ranges, minutes * 60)
