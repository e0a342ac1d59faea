"""The one error tree. Each error says what happened, where, and what to do about it.

PipelineError
├── InputError                 for the owner of the video to mend
│   ├── IdentityError          a name that cannot be a project or a video
│   ├── SourceError            missing, ambiguous, replaced while read, a symlink
│   └── MediaError             cannot be probed or decoded within the limits
├── ConfigurationError         pipeline.yaml, the environment, a missing library or model
├── ProviderError              an analysis failed; its category says what may follow
│   └── InDoubt                nobody heard whether the provider took the request
│       └── Unheard            the same, and the provider recognises it if it is made again
├── StorageError               an object store refused or broke
│   ├── StorageFull            no space or quota left
│   └── StorageUnavailable     an object store does not answer, or asks to wait
├── NoticesError               the queue of arrivals refused or broke
└── CatalogError               the catalogue refused or broke
    ├── CatalogUnavailable     no MongoDB answers
    └── IllegalMove            a work unit cannot go from its state to that one
"""

from enum import StrEnum
from typing import ClassVar


class PipelineError(Exception):
    """What happened (`what`), where it happened (`where`), and what mends it (`remedy`)."""

    passes: ClassVar[bool] = False
    """Whether neither the video nor a provider is at fault but what we run on: the same work ends
    well once that is mended, so its run is made again."""

    def __init__(self, what: str, *, remedy: str, where: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(what, where, remedy)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}. {self.remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(
    cls: type[PipelineError], args: tuple[object, ...], state: dict[str, object]
) -> PipelineError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class InputError(PipelineError):
    """The video, or how it was delivered, is at fault; other videos go on."""


class IdentityError(InputError):
    """A name that cannot be a project or a video."""


class SourceError(InputError):
    """The source object is missing, ambiguous, replaced while being read, or not a plain file."""


class MediaError(InputError):
    """The media cannot be probed or decoded within the limits."""


class ConfigurationError(PipelineError):
    """pipeline.yaml, the environment, a library or a model is missing or wrong."""


class FailureCategory(StrEnum):
    """Why a provider did not deliver. The policy on retry and fallback reads only this."""

    THROTTLED = "throttled"
    CONCURRENCY = "concurrency"
    TRANSIENT = "transient"
    AUTH = "auth"
    INPUT_REJECTED = "input_rejected"
    PROVIDER_FAILED = "provider_failed"
    RESULT_EXPIRED = "result_expired"
    MALFORMED_RESULT = "malformed_result"
    UNSUPPORTED = "unsupported"
    CANCELLED = "cancelled"

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed if it is made again a little later."""
        return self in _RETRYABLE

    @property
    def of_the_request(self) -> bool:
        """Whether it is what was asked that a provider refused, whoever asks and whenever."""
        return self in (FailureCategory.INPUT_REJECTED, FailureCategory.UNSUPPORTED)

    @property
    def past_mending(self) -> bool:
        """Whether a result that could not be fetched never can be: it is gone, or it is that of
        another content."""
        return self in (FailureCategory.RESULT_EXPIRED, FailureCategory.INPUT_REJECTED)

    @property
    def allows_fallback(self) -> bool:
        """Whether the next provider in the order may be asked instead."""
        return self is not FailureCategory.CANCELLED


_RETRYABLE = frozenset(
    {FailureCategory.THROTTLED, FailureCategory.CONCURRENCY, FailureCategory.TRANSIENT}
)


class ProviderError(PipelineError):
    """An analysis failed at its provider, or its answer could not be read.

    `accepted` says whether the provider may have taken the request (and bill it): True unless
    the plugin knows that it was refused. `retry_after` is the provider's own wish, in seconds.
    """

    def __init__(
        self,
        what: str,
        *,
        category: FailureCategory,
        remedy: str,
        where: str = "",
        accepted: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(what, remedy=remedy, where=where)
        self.category, self.accepted, self.retry_after = category, accepted, retry_after

    @property
    def no_room(self) -> bool:
        """Whether the provider took nothing, as it runs as many jobs as it does at once."""
        return self.category is FailureCategory.CONCURRENCY and not self.accepted


class InDoubt(ProviderError):
    """Nobody heard whether the provider took the request; it may be billed."""


class Unheard(InDoubt):
    """The same at a provider that recognises the request: made again it is billed once."""


class StorageError(PipelineError):
    """An object store refused or broke."""


class StorageFull(StorageError):
    """No space or quota is left where an object should be put."""

    passes = True


class StorageUnavailable(StorageError):
    """An object store does not answer, breaks, or asks to wait; later it may answer."""

    passes = True


class NoticesError(PipelineError):
    """The queue in which the ingest store tells of arrivals refused or broke."""

    passes = True


class CatalogError(PipelineError):
    """The catalogue refused or broke."""


class CatalogUnavailable(CatalogError):
    """No MongoDB answers at the configured address."""

    passes = True


class IllegalMove(CatalogError):
    """A work unit was asked to go from its state to one that its life does not allow."""
