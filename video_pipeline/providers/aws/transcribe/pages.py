"""The two raw pages of a job of Amazon Transcribe, read: the job's record, and the result as it
lies in S3. What a transcript is made of is in words.py.

The form is that of the developer guide, "Data input and output". Times and confidences are text
there; every number is read exactly. What is not used is ignored, what is new does no harm.
"""

import json
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from video_pipeline.domain.values import Rational


def _number(value: Any) -> Any:
    """Nothing for an empty text, as which a missing number may be written."""
    return None if value == "" else value


Maybe = Annotated[Rational | None, BeforeValidator(_number)]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Reading(_Read):
    """One reading of what was said: a word, a mark, or `[PII]` where it was redacted."""

    content: str
    confidence: Maybe = None


class Item(_Read):
    """A word, or a mark, which has no times."""

    type: str
    alternatives: tuple[Reading, ...] = Field(min_length=1)
    start_time: Maybe = None
    end_time: Maybe = None
    id: int | None = None
    speaker_label: str | None = None


class Stretch(_Read):
    """Speech that the service took together."""

    transcript: str = ""
    items: tuple[int, ...] = ()
    speaker_label: str | None = None


class Turn(_Read):
    """When somebody begins a word: where speakers are told apart, and items do not say it."""

    start_time: Rational
    speaker_label: str


class SpeakerSegment(_Read):
    """What one speaker said without a break."""

    items: tuple[Turn, ...] = ()


class Speakers(_Read):
    """Who spoke when."""

    segments: tuple[SpeakerSegment, ...] = ()


class Guess(_Read):
    """How sure the service is of one language."""

    code: str
    score: Maybe = None


class Share(_Read):
    """For how long one language was spoken."""

    language_code: str
    duration_in_seconds: Rational = Field(default=0, validate_default=True)  # type: ignore[assignment]


class Results(_Read):
    """What was heard."""

    items: tuple[Item, ...]
    audio_segments: tuple[Stretch, ...] = ()
    speaker_labels: Speakers = Speakers()
    language_code: str | None = None
    language_identification: tuple[Guess, ...] = ()
    language_codes: tuple[Share, ...] = ()


class Document(_Read):
    """The result as it lies in S3."""

    results: Results


class RecordedShare(_Read):
    """A `Share`, as the record has it."""

    code: str = Field(alias="LanguageCode")
    seconds: Rational = Field(default=0, alias="DurationInSeconds", validate_default=True)  # type: ignore[assignment]


class Record(_Read):
    """What the service recorded of the job."""

    language: str | None = Field(default=None, alias="LanguageCode")
    score: Maybe = Field(default=None, alias="IdentifiedLanguageScore")
    shares: tuple[RecordedShare, ...] = Field(default=(), alias="LanguageCodes")


def read(pages: Iterable[bytes]) -> tuple[Record, Results]:
    """Both pages. Raises ValueError for others."""
    record, document = pages
    return (
        Record.model_validate(_exact(record)),
        Document.model_validate(_exact(document)).results,
    )


def _exact(page: bytes) -> Any:
    try:
        return json.loads(page, parse_float=str)
    except RecursionError as error:
        raise ValueError("a page is JSON too deep to be read") from error
