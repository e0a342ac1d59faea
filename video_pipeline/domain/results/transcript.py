"""What was said: words, segments, speakers, language."""

from pydantic import Field

from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.values import Frozen


class Word(Frozen):
    """One word as written, punctuation attached, without surrounding blanks."""

    text: str
    range: TimeRange
    confidence: float | None = Field(default=None, ge=0, le=1)
    speaker: str | None = None


class Segment(Frozen):
    """A stretch of speech by one speaker, as the provider divides it."""

    text: str
    range: TimeRange
    words: tuple[Word, ...] = ()
    speaker: str | None = None


class Transcript(Frozen):
    """All that was said. An empty one (no audio, no speech) has no language."""

    language: str | None = None
    language_confidence: float | None = Field(default=None, ge=0, le=1)
    segments: tuple[Segment, ...] = ()

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of all segments, in order."""
        return tuple(word for segment in self.segments for word in segment.words)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who speaks, in order of first appearance."""
        return tuple(dict.fromkeys(s.speaker for s in self.segments if s.speaker))
