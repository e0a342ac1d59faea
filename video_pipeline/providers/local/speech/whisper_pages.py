"""Raw pages of a transcription by faster-whisper, and the transcript in them.

The first page is the header; every other one holds segments. Times are written as the library
gives them, in seconds from the first sample, and rounded to milliseconds only when read.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from pydantic import Field

from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.time import TimeRange, clock
from video_pipeline.domain.values import Frozen, Rational, read_json
from video_pipeline.providers.local.speech.loops import Said
from video_pipeline.providers.local.speech.whole_words import RawSegment, on_clock, without_loops

SEGMENTS_A_PAGE = 100

Span = tuple[float, float]
"""Start and end in seconds from the first sample."""


class Header(Frozen):
    """The first page: the range of the audio, in seconds from time zero, and its language."""

    start: Rational
    duration: Rational
    language: str | None = None
    language_confidence: float | None = Field(default=None, ge=0, le=1)


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
    """Return the transcript in the video's time, within the audio and before `end`.

    Words are whole, in order and without overlaps. Loops are cut, each with a warning.
    Raises ValueError for unreadable pages.
    """
    first, *rest = pages
    header = Header.model_validate_json(first)
    last = max(header.start, min(header.start + header.duration, end))
    within = TimeRange(start=max(Fraction(0), header.start), end=last)
    raw = [RawSegment.model_validate(entry) for page in rest for entry in _entries(page)]
    kept, cut = without_loops([segment for segment in raw if segment.text.strip()])
    segments = on_clock(kept, header.start, within)
    warnings = tuple(_cut_warning(header.start, loop) for loop in cut)
    if not segments:
        return Transcript(warnings=warnings)
    return Transcript(
        language=header.language,
        language_confidence=header.language_confidence,
        segments=segments,
        warnings=warnings,
    )


def _cut_warning(start: Fraction, said: Said) -> str:
    first, after = (clock(start + Fraction(str(moment))) for moment in (said.start, said.end))
    return (
        f"Whisper repeated {said.text.strip()!r} from {first} to {after}, as no speaker does: "
        "the repetitions are left out, and what was said there is missing. "
        "A larger model or the option `language` may hear it."
    )


def _entries(page: bytes) -> list[Any]:
    """Return a page's segments, with every decimal kept as text."""
    entries = read_json(page, exact=True)
    if not isinstance(entries, list):
        raise ValueError("a page of segments is a list")
    return entries


def _ranged(text: str, span: Span) -> dict[str, Any]:
    return {"text": text, "start": span[0], "end": span[1]}
