"""Options of Amazon Transcribe.

Options that do not affect the result are not part of its identity: a new queue, tag or limit makes
nothing stale.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from video_pipeline.providers.aws.session import AwsOptions
from video_pipeline.providers.aws.transcribe.languages import CODES, LANGUAGES, code_of, iso

Name = Annotated[str, Field(pattern=r"^[0-9a-zA-Z._-]{1,200}$")]
# The enumeration PiiEntityType in botocore 1.44.5.
Entity = Literal[
    "ALL", "ADDRESS", "AGE", "AWS_ACCESS_KEY", "AWS_SECRET_KEY", "BANK_ACCOUNT_NUMBER",
    "BANK_ROUTING", "CA_HEALTH_NUMBER", "CA_SOCIAL_INSURANCE_NUMBER", "CREDIT_DEBIT_CVV",
    "CREDIT_DEBIT_EXPIRY", "CREDIT_DEBIT_NUMBER", "DATE_TIME", "DRIVER_ID", "EMAIL",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER", "IP_ADDRESS", "LICENSE_PLATE", "MAC_ADDRESS", "NAME",
    "PASSPORT_NUMBER", "PASSWORD", "PHONE", "PIN", "SSN", "SWIFT_CODE", "URL",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER", "USERNAME", "VEHICLE_IDENTIFICATION_NUMBER",
]  # fmt: skip


def _known(language: str) -> str:
    if language not in CODES | LANGUAGES:
        raise ValueError(f"{language!r} is no language of Amazon Transcribe: write en, or en-GB")
    return language


Language = Annotated[str, AfterValidator(_known)]


class Output(BaseModel):
    """Where the service writes results: a bucket of yours in the same region."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bucket: str = Field(pattern=r"^[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9]$")
    prefix: str = Field(default="", pattern=r"^[a-zA-Z0-9\-_.!*'()/]*$")
    """What keys begin with, before the place of the video's raw pages."""


class TranscribeOptions(AwsOptions):
    """How Amazon Transcribe is asked."""

    output: Output = Field(exclude=True)
    kms_key: str | None = Field(default=None, exclude=True)
    """The KMS key (ARN) with which results are encrypted; without one, with S3's own."""
    speakers: int | None = Field(default=None, ge=2, le=30)
    """How many speakers are told apart at most; none where it is left out."""
    languages: tuple[Language, ...] = ()
    """What may be spoken: one language, or those among which it is identified; any where none."""
    identify: Literal["one", "several"] = "one"
    """Whether one language is spoken throughout, or several by turns."""
    dialects: dict[str, str] = Field(default_factory=dict)
    """Which code a language stands for, such as en: en-GB."""
    vocabularies: dict[Language, Name] = Field(default_factory=dict)
    """The custom vocabulary for a language."""
    vocabulary_filters: dict[Language, Name] = Field(default_factory=dict)
    """The vocabulary filter for a language."""
    filter_method: Literal["mask", "remove", "tag"] = "mask"
    """What is done with words of the filter; `tag` keeps them, and flags them in the result."""
    redact: tuple[Entity, ...] = ()
    """Which personal data is taken out of the transcript; ALL for every kind."""
    deferred: bool = Field(default=False, exclude=True)
    """Let the service queue what is more than it runs at once; needs data_access_role."""
    data_access_role: str | None = Field(
        default=None, pattern=r"^arn:aws[a-z-]*:iam::\d*:role/.+$", exclude=True
    )
    """The role (ARN) with which the service reads the media of a deferred job."""
    tags: dict[str, str] = Field(default_factory=dict, max_length=197, exclude=True)
    """Tags of every job, besides the project's."""
    concurrent_jobs: int = Field(default=250, ge=1, exclude=True)
    """How many jobs the account may run at once in the region (its quota)."""
    deadline_hours: float = Field(default=24.0, gt=0, le=2160, exclude=True)
    """When a job that has not ended is given up."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = next(self._contradictions(), None)
        if wrong:
            raise ValueError(wrong)
        return self

    def _contradictions(self) -> Iterator[str]:
        for language, code in self.dialects.items():
            if code not in CODES or iso(code) != language:
                yield f"dialects: {code!r} is no code of {language!r}"
        codes = [self.code_of(language) for language in self.languages]
        if len(set(codes)) < len(codes):
            yield "languages: a language is named twice"
        for name, given in self._per_language().items():
            if len({self.code_of(language) for language in given}) < len(given):
                yield f"{name}: a language is named twice"
        if self.identify == "several" and len(codes) == 1:
            yield "identify: several languages cannot be identified among one"
        if self.deferred != bool(self.data_access_role):
            yield "deferred and data_access_role are given both or neither"

    def _per_language(self) -> dict[str, dict[str, str]]:
        filters = self.vocabulary_filters
        return {"vocabularies": self.vocabularies, "vocabulary_filters": filters}

    def code_of(self, language: str) -> str:
        """Return the service's code of a language. Raises ValueError for an unknown one."""
        code = code_of(language, self.dialects)
        if code is None:
            raise ValueError(f"no language {language!r}")
        return code
