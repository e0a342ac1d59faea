"""What failed in a request to AWS: one table from error codes to causes, for stores, queues and
providers. Each of those maps the causes to its own errors. botocore is loaded at the first use.

Sources: the errors that botocore's models declare, "Common errors" of the API references, and
"Error responses" of the S3 API reference.
"""

# pyright: reportMissingTypeStubs=false

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.exceptions import ClientError


class Cause(StrEnum):
    """Why a request failed."""

    THROTTLED = "throttled"
    BROKEN = "the service failed"
    EXPIRED = "expired credentials"
    WRONG_KEYS = "wrong credentials"
    CLOCK = "wrong clock"
    DISABLED = "account disabled"
    DENIED = "access denied"
    KMS = "KMS key denied"
    FULL = "no space"
    OTHER_REGION = "other region"
    ABSENT_QUEUE = "no such queue"
    INVALID = "invalid request"
    UNKNOWN = "unknown code"
    # Without an answer of the service.
    NO_CREDENTIALS = "no credentials"
    UNREACHABLE = "no answer"
    DAMAGED = "wrong checksum"
    UNREADABLE = "unreadable answer"
    INCOMPLETE = "incomplete answer"
    MISCONFIGURED = "request not made"


_CODES = {
    Cause.THROTTLED: "ThrottlingException Throttling ThrottledException RequestThrottled SlowDown "
    "ProvisionedThroughputExceededException TooManyRequestsException TooManyRequests "
    "RequestLimitExceeded BandwidthLimitExceeded RequestThrottledException",
    Cause.BROKEN: "InternalServerError InternalFailureException InternalFailure InternalError "
    "ServiceUnavailable ServiceUnavailableException RequestTimeout RequestTimeoutException "
    "OperationAborted",
    Cause.EXPIRED: "ExpiredToken ExpiredTokenException RequestExpired TokenRefreshRequired",
    Cause.WRONG_KEYS: "UnrecognizedClientException InvalidClientTokenId InvalidAccessKeyId "
    "InvalidSignatureException SignatureDoesNotMatch IncompleteSignature InvalidToken "
    "MissingAuthenticationToken MissingAuthenticationTokenException AuthFailure InvalidSecurity",
    Cause.CLOCK: "RequestTimeTooSkewed",
    Cause.DISABLED: "OptInRequired SubscriptionRequiredException AccountProblem Blocked "
    "AllAccessDisabled AccountDisabledException PendingVerification",
    Cause.DENIED: "AccessDeniedException AccessDenied NotAuthorized UnauthorizedOperation "
    "AuthorizationError AuthorizationErrorException Forbidden 403",
    Cause.FULL: "QuotaExceeded XMinioStorageFull InsufficientStorage 507",
    Cause.OTHER_REGION: "PermanentRedirect TemporaryRedirect 301 307 "
    "IllegalLocationConstraintException",
    Cause.ABSENT_QUEUE: "AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist",
    Cause.INVALID: "InvalidParameterException ValidationException BadRequestException",
}
# Characters of a message that are passed on to ledgers, logs and people.
_LONGEST, _LONGEST_OF_KEYS = 1000, 300
# Answers to a wrong signature quote what was signed, the session token with it.
_QUOTING = {
    *(code for cause in (Cause.WRONG_KEYS, Cause.CLOCK) for code in _CODES[cause].split()),
    *("UnrecognizedClient", "InvalidSignature", "IncompleteSignatureException", "RequestExpired"),
}
# What botocore, and the reader of its answer, raise where an answer is not as AWS documents it.
UNFIT = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)
# What JSON's services say of a clock that is wrong, under the code of a wrong signature.
_SKEWED = ("Signature expired", "Signature not yet current")
# "The request time is more than 15 minutes from the server's": S3, "Error responses".
_MOST_SKEW = timedelta(minutes=15)
_CAUSES = {code: cause for cause, codes in _CODES.items() for code in codes.split()}


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed request. `code`, `status` and `operation` are empty where AWS did not answer."""

    cause: Cause
    said: str
    """The service's message, or the text of the library's error; may be empty."""
    sent: bool = True
    """False only where no connection was made, so that the service cannot have the request."""
    code: str = ""
    status: int = 0
    operation: str = ""
    region: str | None = None
    """The region of a bucket that lies elsewhere, where the service names it."""
    retry_after: float | None = None
    """Seconds; a date in that header is not read."""


@contextmanager
def translated(
    to: Callable[[Fault], Exception], also: tuple[type[Exception], ...] = ()
) -> Generator[None]:
    """Raise `to` of the fault in place of what a client of AWS raises, or of the errors in `also`.

    `also` may be UNFIT where the block does nothing but ask and read the answer.
    """
    try:
        yield
    except (*failures(), *also) as error:
        raise to(fault_of(error)) from error


@cache
def failures() -> tuple[type[Exception], ...]:
    """Return all that a client of AWS raises."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return ClientError, BotoCoreError, ResponseParserError, UnicodeDecodeError


def fault_of(error: Exception) -> Fault:
    """Return what one of `failures()`, or of UNFIT, means."""
    from botocore import exceptions as e

    if isinstance(error, e.ClientError):
        return _answered(error)
    said = str(error).strip()
    if isinstance(error, _no_credentials()):
        return Fault(Cause.NO_CREDENTIALS, said, sent=False)
    if isinstance(error, e.FlexibleChecksumError):
        return Fault(Cause.DAMAGED, said)
    if isinstance(error, e.ConnectionError | e.HTTPClientError | e.IncompleteReadError):
        # A handshake may break after bytes were sent, except over a certificate.
        handshake = isinstance(error, e.SSLError) and "CERTIFICATE_VERIFY_FAILED" not in said
        sent = handshake or not isinstance(error, e.ConnectionError)
        return Fault(Cause.UNREACHABLE, said, sent)
    if isinstance(error, e.BotoCoreError):
        return Fault(Cause.MISCONFIGURED, said, sent=False)
    cause = Cause.INCOMPLETE if isinstance(error, KeyError) else Cause.UNREADABLE
    return Fault(cause, words_of(error))


def words_of(error: Exception) -> str:
    """Return why an answer or a stored page cannot be read, not in Python's words."""
    match error:
        case KeyError():
            return f"it lacks {error.args[0]}"
        case RecursionError():
            return "it is nested too deep, or redirects in a circle"
        case LookupError() | TypeError() | AttributeError():
            return "it has not the form that AWS documents"
        case _:
            return short(str(error).strip().partition("\n")[0].rstrip("."))


def _answered(error: "ClientError") -> Fault:
    code, status, said = code_of(error), status_of(error), message_of(error)
    wish = header_of(error, "retry-after") or ""
    cause = _cause(code, status, said)
    # An answer to HEAD has no code that tells.
    if cause in (Cause.DENIED, Cause.WRONG_KEYS) and _is_skewed(header_of(error, "date")):
        cause = Cause.CLOCK
    return Fault(
        cause,
        said,
        code=code,
        status=status,
        operation=str(getattr(error, "operation_name", "")),
        region=_error(error).get("Region") or header_of(error, "x-amz-bucket-region"),
        retry_after=float(wish) if wish.isdecimal() else None,
    )


def _cause(code: str, status: int, said: str) -> Cause:
    cause = _CAUSES.get(code) or _by_status(status)
    # A service that failed has refused nothing, whatever it says of KMS.
    if status < 500 and cause not in (Cause.THROTTLED, Cause.BROKEN):
        if code.startswith("KMS"):
            return Cause.THROTTLED if "Throttl" in code else Cause.KMS
        if cause is Cause.DENIED and "kms:" in said:
            return Cause.KMS
    if cause is Cause.WRONG_KEYS and said.startswith(_SKEWED):
        return Cause.CLOCK
    if code == "AuthorizationHeaderMalformed" and "region" in said.lower():
        return Cause.OTHER_REGION
    return cause


def _is_skewed(date: str | None) -> bool:
    """Return whether AWS, by the date of its answer, refuses what this machine's clock signs."""
    try:
        told = parsedate_to_datetime(date or "")
        return abs(datetime.now(UTC) - told) > _MOST_SKEW
    except (ValueError, TypeError):  # no date, or one without a zone
        return False


def _by_status(status: int) -> Cause:
    """Return the cause of an unknown code."""
    if status in (429, 507):
        return Cause.THROTTLED if status == 429 else Cause.FULL
    return Cause.BROKEN if status >= 500 else Cause.UNKNOWN


@cache
def _no_credentials() -> tuple[type[Exception], ...]:
    """Return what is raised before any request: credentials lack, or cannot be renewed."""
    from botocore import exceptions as e

    return (
        *(e.NoCredentialsError, e.PartialCredentialsError, e.CredentialRetrievalError),
        *(e.MetadataRetrievalError, e.ProfileNotFound, e.LoginError),
        *(e.TokenRetrievalError, e.NoAuthTokenError, e.SSOError),
    )


def code_of(error: "ClientError") -> str:
    """Return the code of an answer; of one without a body, the HTTP status."""
    return str(_error(error).get("Code") or "")


def message_of(error: "ClientError") -> str:
    """Return what the service says of it; may be empty."""
    return str(_error(error).get("Message") or "")


def status_of(error: "ClientError") -> int:
    """Return the HTTP status of an answer; 0 where none is known."""
    return int(_metadata(error).get("HTTPStatusCode", 0))


def header_of(error: "ClientError", name: str) -> str | None:
    """Return a header of an answer, by its name in small letters."""
    return _metadata(error).get("HTTPHeaders", {}).get(name)


def _error(error: "ClientError") -> dict[str, Any]:
    found: Any = error.response
    return found.get("Error", {})


def _metadata(error: "ClientError") -> dict[str, Any]:
    found: Any = error.response
    return found.get("ResponseMetadata", {})


def short(said: str) -> str:
    """Return the beginning of a message."""
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."


def passed_on(code: str, said: str) -> str:
    """Return what may be passed on of an answer's message."""
    if code not in _QUOTING:
        return short(said)
    return said.strip().partition("\n")[0].strip()[:_LONGEST_OF_KEYS]


def keep_short(parsed: dict[str, Any], **_: Any) -> None:
    """Handle botocore's event after-call, before the error is made, so that no traceback shows the
    rest either."""
    error: dict[str, Any] = parsed.get("Error") or {}
    if error.get("Message"):
        error["Message"] = passed_on(str(error.get("Code", "")), str(error["Message"]))
