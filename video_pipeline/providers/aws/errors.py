"""What AWS's answers and the failures on the way to it mean for an analysis, told once for all.

`accepted` is False only where the request surely was not taken: the connection was not made, or
the service answered that it refuses (a modelled error of HTTP 4xx). After a read timeout, a reset,
a broken answer or a 5xx a job may run, and be billed.

Sources: the errors that botocore's models declare, and "Common errors" of the API references.
"""

# pyright: reportMissingTypeStubs=false

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from video_pipeline.aws.messages import short
from video_pipeline.domain.errors import (
    ConfigurationError,
    FailureCategory,
    PipelineError,
    ProviderError,
)

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_F = FailureCategory


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code stands for: how to go on, what happened, and what mends it."""

    category: FailureCategory
    what: str
    remedy: str
    accepted: bool = False


_LATER = "It is asked again later; ask AWS for a higher quota if this goes on."
_LOG_IN = "Log in again, or name a role, whose credentials are renewed; then run the phase again."
_KEYS = "Set the credentials of the account that is to be billed, and this machine's clock."
_BUSY = Meaning(_F.THROTTLED, "too many requests a second", _LATER)
_EXPIRED = Meaning(_F.AUTH, "the credentials have expired", _LOG_IN)
_WRONG_KEYS = Meaning(_F.AUTH, "the credentials are wrong", _KEYS)
_DISABLED = Meaning(
    _F.AUTH,
    "the account may not use this service",
    "Look whether the account is suspended, unpaid or not signed up for it, or name another.",
)
_DENIED = Meaning(
    _F.AUTH,
    "access is denied",
    "Allow it in the policy of the role or user; see docs/providers/aws.md.",
)
_KMS = Meaning(
    _F.AUTH,
    "the KMS key may not be used",
    "Allow kms:Decrypt and kms:GenerateDataKey on it, in its policy as well; see "
    "docs/providers/aws.md.",
)
_REFUSED = Meaning(_F.UNSUPPORTED, "the request was refused", "Report it with this message.")
_UNKNOWN = Meaning(
    # Nobody knows of what it is: so it says nothing of a request that was made before.
    _F.PROVIDER_FAILED,
    "the request was refused",
    "Report it with this message.",
)
_BROKEN = Meaning(
    _F.TRANSIENT, "the service is broken for the moment", "Run the phase again later.", True
)

_MEANINGS: dict[str, Meaning] = {
    **dict.fromkeys(
        (
            *("ThrottlingException", "Throttling", "ThrottledException", "RequestThrottled"),
            *("ProvisionedThroughputExceededException", "TooManyRequestsException", "SlowDown"),
            *("RequestLimitExceeded", "BandwidthLimitExceeded", "RequestThrottledException"),
        ),
        _BUSY,
    ),
    "LimitExceededException": Meaning(
        _F.CONCURRENCY,
        "as many jobs run as the account may have at once",
        "It waits for its turn; lower `concurrent_jobs` where others use the account, too.",
    ),
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
        _EXPIRED,
    ),
    **dict.fromkeys(
        (
            *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"),
            *("InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature"),
            *("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
            *("InvalidToken", "AuthFailure", "RequestTimeTooSkewed"),
        ),
        _WRONG_KEYS,
    ),
    **dict.fromkeys(
        (
            *("OptInRequired", "SubscriptionRequiredException", "AccountProblem", "Blocked"),
            *("AllAccessDisabled", "AccountDisabledException", "PendingVerification"),
        ),
        _DISABLED,
    ),
    **dict.fromkeys(
        (
            *("AccessDeniedException", "AccessDenied", "NotAuthorized", "UnauthorizedOperation"),
            *("Forbidden", "403"),
        ),
        _DENIED,
    ),
    "InvalidS3ObjectException": Meaning(
        # How things stand now: an earlier request may have been taken.
        _F.PROVIDER_FAILED,
        "the service cannot read the object",
        "Look whether it is still there, whether its bucket lies in the region of the provider, "
        "and whether s3:GetObject (s3:GetObjectVersion) and, for an encrypted one, kms:Decrypt "
        "are allowed; then run the phase again.",
    ),
    **dict.fromkeys(("RequestTimeout", "RequestTimeoutException"), _BROKEN),
    "VideoTooLargeException": Meaning(
        _F.INPUT_REJECTED,
        "the video is too large or too long for the service",
        "Choose another provider for it in pipeline.yaml, or deliver it in parts.",
    ),
    "IdempotentParameterMismatchException": Meaning(
        _F.UNSUPPORTED,
        "a request with this token was made before, with other parameters",
        "Its job runs and is billed. Set bucket, topic and role of the provider as they were and "
        "run the phase again, and the job is found. Where they are, or the video was delivered "
        "anew since, `video-pipeline jobs cancel` the unit, `jobs release` it, and `jobs retry` "
        "it, which pays once more.",
        accepted=True,
    ),
    "ResourceNotFoundException": Meaning(
        _F.RESULT_EXPIRED,
        "the service knows no such job (any more)",
        "Run the phase again: the request is made anew, and billed.",
    ),
    **dict.fromkeys(
        (
            *("InternalServerError", "InternalFailureException", "InternalFailure"),
            *("ServiceUnavailable", "ServiceUnavailableException", "InternalError"),
        ),
        _BROKEN,
    ),
    **dict.fromkeys(
        ("InvalidParameterException", "ValidationException", "BadRequestException"), _REFUSED
    ),
}


@contextmanager
def told(where: str, own: Mapping[str, Meaning] | None = None) -> Generator[None, None, None]:
    """Turn what a client of AWS raises, or keeps it from being made, into ProviderError. `own` are
    a service's own meanings of codes, which go before the ones above."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ConfigurationError as error:
        # Such as a profile that is not on this machine: it is no answer to what is asked.
        raise ProviderError(
            error.what, category=_F.AUTH, remedy=error.remedy, where=where, accepted=False
        ) from error
    except PipelineError:
        raise
    except ClientError as error:
        raise answered(error, where, own or {}) from error
    except BotoCoreError as error:
        raise unanswered(error, where) from error
    except (ResponseParserError, UnicodeDecodeError) as error:
        raise unreadable(f"{type(error).__name__}: {error}", where) from error


def answered(error: "ClientError", where: str, own: Mapping[str, Meaning]) -> ProviderError:
    """What an error answer means."""
    from video_pipeline.aws.answers import code_of, message_of, status_of

    code, status, message = code_of(error), status_of(error), message_of(error)
    known = _MEANINGS.get(code) or _by(status)
    meaning = own.get(code) or _by_text(code, message, status, known) or known
    asked = str(getattr(error, "operation_name", ""))
    said = f" ({asked}: {code}: {message})" if message else f" ({asked}: {code})"
    return ProviderError(
        meaning.what + said.replace(". ", "; ").replace(".)", ")"),
        category=meaning.category,
        remedy=meaning.remedy,
        where=where,
        accepted=meaning.accepted and asked != "AssumeRole",
        retry_after=_wish(error),
    )


def unanswered(error: "BotoCoreError", where: str) -> ProviderError:
    """What a failure means that comes of no answer."""
    from botocore.exceptions import (
        ConnectionError,
        HTTPClientError,
        IncompleteReadError,
        SSLError,
    )

    from video_pipeline.aws.answers import NO_CREDENTIALS

    if isinstance(error, NO_CREDENTIALS):
        what, category, remedy = "there are no credentials", _F.AUTH, _LOG_IN
        accepted = False
    elif isinstance(error, ConnectionError | HTTPClientError | IncompleteReadError):
        what, category = "AWS does not answer", _F.TRANSIENT
        remedy = "Look at the network and at `endpoint` in pipeline.yaml; run the phase again."
        # Only a connection that was not made proves that nothing was sent.
        unsent = not isinstance(error, SSLError) or "CERTIFICATE_VERIFY_FAILED" in str(error)
        accepted = not (isinstance(error, ConnectionError) and unsent)
    else:
        what, category = "AWS cannot be asked", _F.UNSUPPORTED
        remedy, accepted = "Mend what pipeline.yaml says of this provider.", False
    said = short(str(error).strip().rstrip("."))
    return ProviderError(
        f"{what}: {said}", category=category, remedy=remedy, where=where, accepted=accepted
    )


def unreadable(what: str, where: str) -> ProviderError:
    """An answer that is none of the service's: cut short, or a page of somebody between."""
    return ProviderError(
        f"AWS's answer cannot be read: {short(what)}",
        category=_F.TRANSIENT,
        remedy="Run the phase again; look for a proxy between if it happens again.",
        where=where,
        accepted=True,
    )


def _by_text(code: str, message: str, status: int, known: Meaning) -> Meaning | None:
    """Keys of KMS are refused under codes of their own or of whoever needed them. A service that
    broke has refused nothing, whatever it says of KMS."""
    if status >= 500 or known.category.retryable:
        return None
    if code.startswith("KMS"):
        return _BUSY if "Throttl" in code else _KMS
    return _KMS if "kms" in message.lower() else None


def _by(status: int) -> Meaning:
    """A code that nobody knows, by its HTTP status."""
    if status == 429:
        return _BUSY
    return _BROKEN if status >= 500 or status < 400 or status == 408 else _UNKNOWN


def _wish(error: "ClientError") -> float | None:
    """Retry-After in seconds; as a date it is not read."""
    from video_pipeline.aws.answers import header_of

    wish = header_of(error, "retry-after") or ""
    return float(wish) if wish.isdecimal() else None
