"""The two raw pages of a job of Amazon Transcribe: its record, and the result from S3.

Format: "Data input and output" of the developer guide. Times and confidences are text there, and
read exactly. Unused and new members are ignored.
"""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from video_pipeline.domain.values import Rational, read_json


def _number(value: Any) -> Any:
    """Return None for an empty text, which stands for a missing number."""
    return None if value == "" else value


Maybe = Annotated[Rational | None, BeforeValidator(_number)]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Reading(_Read):
    """One alternative: a word, a punctuation mark, or `[PII]` where it was redacted."""

    content: str
    confidence: Maybe = None


class Item(_Read):
    """A word, or a punctuation mark, which has no times."""

    type: str
    alternatives: tuple[Reading, ...] = Field(min_length=1)
    start_time: Maybe = None
    end_time: Maybe = None
    id: int | None = None
    speaker_label: str | None = None
    flagged: bool = Field(default=False, alias="vocabularyFilterMatch")
    """Whether the vocabulary filter names it, where its method is `tag`."""


class Stretch(_Read):
    """An audio segment of the service."""

    transcript: str = ""
    items: tuple[int, ...] = ()
    speaker_label: str | None = None


class Turn(_Read):
    """The speaker of the word that starts here, where items do not name it."""

    start_time: Rational
    speaker_label: str


class SpeakerSegment(_Read):
    items: tuple[Turn, ...] = ()


class Speakers(_Read):
    segments: tuple[SpeakerSegment, ...] = ()


class Guess(_Read):
    code: str
    score: Maybe = None


class Share(_Read):
    language_code: str
    duration_in_seconds: Rational = Field(default=0, validate_default=True)  # type: ignore[assignment]


class Results(_Read):
    items: tuple[Item, ...]
    audio_segments: tuple[Stretch, ...] = ()
    speaker_labels: Speakers = Speakers()
    language_code: str | None = None
    language_identification: tuple[Guess, ...] = ()
    language_codes: tuple[Share, ...] = ()


class Document(_Read):
    results: Results


class RecordedShare(_Read):
    code: str = Field(alias="LanguageCode")
    seconds: Rational = Field(default=0, alias="DurationInSeconds", validate_default=True)  # type: ignore[assignment]


class Record(_Read):
    """The service's record of the job."""

    language: str | None = Field(default=None, alias="LanguageCode")
    score: Maybe = Field(default=None, alias="IdentifiedLanguageScore")
    shares: tuple[RecordedShare, ...] = Field(default=(), alias="LanguageCodes")


def read(pages: Iterable[bytes]) -> tuple[Record, Results]:
    """Return both pages. Raises ValueError for others."""
    record, document = pages
    return (
        Record.model_validate(read_json(record, exact=True)),
        Document.model_validate(read_json(document, exact=True)).results,
    )
