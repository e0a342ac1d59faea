"""What a plugin declares about itself."""

from fractions import Fraction
from typing import Literal

from video_pipeline.domain.results.markers import MarkerKind
from video_pipeline.domain.unit_policy import Replay as Replay
from video_pipeline.domain.usage import MeterSpec
from video_pipeline.domain.values import Frozen, Rational
from video_pipeline.plugins.inputs import Feed

Precision = Literal["frame", "millisecond", "sampled", "segment"]


class Limits(Frozen):
    """What the provider refuses; durations in seconds, None for no limit."""

    max_duration: Rational | None = None
    min_duration: Rational = Fraction(0)
    max_bytes: int | None = None
    containers: frozenset[str] | None = None
    codecs: frozenset[str] | None = None


class Capabilities(Frozen):
    """What a plugin can do, with which input, how exactly, and what it meters.

    `kinds` is for temporal plugins; `languages` for transcription: ISO 639-1 codes, or "any".
    """

    fed: Feed
    replay: Replay
    meter: MeterSpec
    kinds: tuple[MarkerKind, ...] = ()
    languages: frozenset[str] | Literal["any"] = frozenset()
    precision: Precision = "frame"
    word_times: bool = False
    speakers: bool = False
    max_speakers: int | None = None
    """How many speakers it tells apart; None for no limit, or none at all."""
    detects_language: Literal["no", "single", "multiple"] = "single"
    limits: Limits = Limits()
    schemes: frozenset[str] | None = None
    """Schemes of the object that it is fed: `s3`, `gs`. None for any."""
    regions: frozenset[str] | Literal["any"] = "any"
    cancellable: bool = False
