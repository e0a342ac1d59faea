"""The error tree of the project. Each error says what happened, where, and what to do.

PipelineError
├── InputError                 for the owner of the video to fix
│   ├── IdentityError          a name that cannot be a project or a video
│   ├── SourceError            missing, ambiguous, replaced while read, a symlink
│   │   └── SourceGone         deleted: its phases are cancelled, not failed
│   └── MediaError             cannot be probed or decoded within the limits
├── DecoderKilled              the decoding process was killed from outside
├── ConfigurationError         pipeline.yaml, the environment, a missing library or model
├── ProviderError              an analysis failed; its category decides what follows
│   └── InDoubt                the answer was lost: the request may have been accepted
│       └── AnswerLost         the same, and repeating the request is safe
├── StorageError               an object store refused or failed
│   ├── StorageFull            no space or quota left
│   └── StorageUnavailable     an object store does not answer, or throttles
├── NoticesError               the queue of arrivals refused or failed
└── CatalogError               the catalogue refused or failed
    ├── CatalogUnavailable     no MongoDB answers
    ├── UpgradeBlocked         an earlier version still writes to it
    └── IllegalMove            a work unit cannot make this transition
"""

from enum import StrEnum
from typing import ClassVar

from video_pipeline.domain.naming.printable import printable


class PipelineError(Exception):
    """What happened (`what`), where it happened (`where`), and what to do (`remedy`).

    `where` is often a name that others chose, so it is made printable.
    """

    # True for faults of the infrastructure: the run is repeated once they are over.
    passes: ClassVar[bool] = False

    def __init__(self, what: str, *, remedy: str, where: str = "") -> None:
        self.what, self.where, self.remedy = what, printable(where), remedy
        super().__init__(what, self.where, remedy)

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{where}{self.what}. {self.remedy}"

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
    """The video, or its delivery, is at fault. Other videos are not affected."""


class IdentityError(InputError):
    """A name that cannot be a project or a video."""


class SourceError(InputError):
    """The source object is missing, ambiguous, replaced while read, or not a regular file."""


class SourceGone(SourceError):
    """The source object was deleted. Nothing is at fault, and nothing is left to be done."""


class MediaError(InputError):
    """The media cannot be probed or decoded within the limits."""


class DecoderKilled(PipelineError):
    """The decoding process was killed from outside, as for lack of memory. The media is sound."""

    passes = True


class ConfigurationError(PipelineError):
    """pipeline.yaml, the environment, a library or a model is missing or wrong."""


class FailureCategory(StrEnum):
    """Why a provider did not deliver. unit_policy.py says what follows."""

    THROTTLED = "throttled"
    CONCURRENCY = "concurrency"
    TRANSIENT = "transient"
    AUTH = "auth"
    FUNDS = "funds"
    INPUT_REJECTED = "input_rejected"
    PROVIDER_FAILED = "provider_failed"
    RESULT_EXPIRED = "result_expired"
    MALFORMED_RESULT = "malformed_result"
    IMPLAUSIBLE = "implausible"
    WITHHELD = "withheld"
    UNSUPPORTED = "unsupported"
    CANCELLED = "cancelled"


class ProviderError(PipelineError):
    """An analysis failed at its provider, or its answer could not be read.

    `accepted` is False only if the plugin knows that the provider refused the request; otherwise
    it may be billed. `retry_after` is the delay in seconds that the provider asks for.
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


class InDoubt(ProviderError):
    """The answer was lost: the provider may have accepted the request, and may bill it."""


class AnswerLost(InDoubt):
    """The same at a provider that recognises a repeated request, and bills it once."""


class StorageError(PipelineError):
    """An object store refused or failed."""


class StorageFull(StorageError):
    """No space or quota is left for an object."""

    passes = True


class StorageUnavailable(StorageError):
    """An object store does not answer, fails or throttles for now."""

    passes = True


class NoticesError(PipelineError):
    """The queue of the ingest store's notifications refused or failed."""

    passes = True


class CatalogError(PipelineError):
    """The catalogue refused or failed."""


class CatalogUnavailable(CatalogError):
    """No MongoDB answers at the configured address."""

    passes = True


class UpgradeBlocked(CatalogError):
    """Processes of an earlier version still write to the catalogue."""

    passes = True


class IllegalMove(CatalogError):
    """A work unit cannot go from its state to the requested one."""
