"""Raw pages of a transcription by faster-whisper, and the transcript in them.

The first page is the header; every other one holds segments. Times are written as the library
gives them, in seconds from the first sample, and rounded to milliseconds only when read.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from pydantic import Field

from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.values import Frozen, Rational, read_json

SEGMENTS_A_PAGE = 100

Span = tuple[float, float]
"""Start and end in seconds from the first sample."""


class Header(Frozen):
    """The first page: the range of the audio, in seconds from time zero, and its language."""

    start: Rational
    duration: Rational
    language: str | None = None
    language_confidence: float | None = Field(default=None, ge=0, le=1)


class RawWord(Frozen):
    text: str
    start: Rational
    end: Rational
    probability: float


class RawSegment(Frozen):
    text: str
    start: Rational
    end: Rational
    words: tuple[RawWord, ...] = ()


def header_page(header: Header) -> bytes:
    return header.model_dump_json().encode()


def segment_pages(written: Sequence[dict[str, Any]]) -> list[bytes]:
    """Return written segments as pages: every float as its shortest exact decimal."""
    return [
        json.dumps(written[first : first + SEGMENTS_A_PAGE], ensure_ascii=False).encode()
        for first in range(0, len(written), SEGMENTS_A_PAGE)
    ]


def written_segment(segment: Any, span: Callable[[float, float], Span]) -> dict[str, Any]:
    """Return a segment of the library as a page holds it. `span` converts a start and an end."""
    return _ranged(segment.text, span(float(segment.start), float(segment.end))) | {
        "words": [
            _ranged(word.word, span(float(word.start), float(word.end)))
            | {"probability": float(word.probability)}
            for word in segment.words or ()
        ]
    }


def read(pages: Iterable[bytes], end: Fraction) -> Transcript:
    """Return the transcript in the video's time, within the audio and before `end`. Words are in
    order. Raises ValueError for unreadable pages."""
    first, *rest = pages
    header = Header.model_validate_json(first)
    last = max(header.start, min(header.start + header.duration, end))
    clock = _Clock(header.start, TimeRange(start=max(Fraction(0), header.start), end=last))
    raw = [RawSegment.model_validate(entry) for page in rest for entry in _entries(page)]
    segments = tuple(clock.segment(segment) for segment in raw if segment.text.strip())
    if not segments:
        return Transcript()
    return Transcript(
        language=header.language,
        language_confidence=header.language_confidence,
        segments=segments,
    )


class _Clock:
    """Converts the library's times to the video's, none earlier than the one before."""

    def __init__(self, start: Fraction, within: TimeRange) -> None:
        self._start, self._within, self._reached = start, within, within.start

    def segment(self, raw: RawSegment) -> Segment:
        words = tuple(self._word(word) for word in raw.words if word.text.strip())
        if words:
            span = TimeRange(start=words[0].range.start, end=max(w.range.end for w in words))
        else:
            span = self._span(raw.start, raw.end)
        return Segment(text=raw.text.strip(), range=span, words=words)

    def _word(self, raw: RawWord) -> Word:
        return Word(
            text=raw.text.strip(),
            range=self._span(raw.start, raw.end),
            confidence=min(max(raw.probability, 0.0), 1.0),
        )

    def _span(self, start: Fraction, end: Fraction) -> TimeRange:
        start, end = self._moment(start), self._moment(end)
        self._reached = max(self._reached, start)
        return TimeRange(start=self._reached, end=max(self._reached, end))

    def _moment(self, seconds: Fraction) -> Fraction:
        """Return the time to the millisecond, within the audio."""
        moment = self._start + Fraction(round(seconds * 1000), 1000)
        return min(max(moment, self._within.start), self._within.end)


def _entries(page: bytes) -> list[Any]:
    """Return a page's segments, with every decimal kept as text."""
    entries = read_json(page, exact=True)
    if not isinstance(entries, list):
        raise ValueError("a page of segments is a list")
    return entries


def _ranged(text: str, span: Span) -> dict[str, Any]:
    return {"text": text, "start": span[0], "end": span[1]}
