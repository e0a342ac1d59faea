"""Transcripts: words, segments, speakers, language."""

import unicodedata

from pydantic import Field

from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.values import Frozen


class Word(Frozen):
    """One word with its punctuation, without surrounding blanks."""

    text: str
    range: TimeRange
    confidence: float | None = Field(default=None, ge=0, le=1)
    speaker: str | None = None
    flagged: bool = Field(default=False, exclude_if=lambda flagged: not flagged)
    """Whether the provider marked it, as a word of a filter."""


class Segment(Frozen):
    """Continuous speech of one speaker, as divided by the provider."""

    text: str
    range: TimeRange
    words: tuple[Word, ...] = ()
    speaker: str | None = None


class Transcript(Frozen):
    """The speech of a video. Without speech it is empty and has no language."""

    language: str | None = None
    language_confidence: float | None = Field(default=None, ge=0, le=1)
    segments: tuple[Segment, ...] = ()
    warnings: tuple[str, ...] = Field(default=(), exclude_if=lambda warnings: not warnings)
    """What a reader should know of it, as that a part could not be understood."""

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for segment in self.segments for word in segment.words)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Return the speakers in order of first appearance."""
        return tuple(dict.fromkeys(s.speaker for s in self.segments if s.speaker))


# Scripts written without blanks between words.
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


def continues_word(before: str, after: str) -> bool:
    """Return whether `after` belongs to the word that ends with `before`, as "'t" to "don".

    What has no blank before it does, but in scripts that are written without blanks.
    """
    ends = before[-1:], after[:1]
    return not any(
        not one or one.isspace() or unicodedata.name(one, "").startswith(_UNSPACED) for one in ends
    )
