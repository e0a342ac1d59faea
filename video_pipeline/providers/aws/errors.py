"""What the causes of AWS's failures mean for an analysis, in ProviderError.

`accepted` is False only where the request surely was not taken: the connection was not made, or
the service refused it (a modelled error of HTTP 4xx). After a read timeout, a reset, a broken
answer or a 5xx a job may run, and be billed.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from video_pipeline.aws.errors import UNFIT, Cause, Fault, short, translated
from video_pipeline.domain.errors import ConfigurationError, FailureCategory, ProviderError
from video_pipeline.domain.unit_policy import is_of_the_request, is_passing

_F = FailureCategory


@dataclass(frozen=True, slots=True)
class Meaning:
    """How to go on after a failure, what happened, and what to do."""

    category: FailureCategory
    what: str
    remedy: str
    accepted: bool = False


_LATER = "It is retried later; ask AWS for a higher quota if this goes on."
_LOG_IN = "Log in again, or name a role, whose credentials are renewed; then run the phase again."
_KEYS = "Set the credentials of the account that is to be billed."
_WRONG_KEYS = Meaning(_F.AUTH, "the credentials are wrong", _KEYS)
_KMS = Meaning(
    _F.AUTH,
    "the KMS key may not be used",
    "Allow kms:Decrypt and kms:GenerateDataKey on it, in its policy as well; see "
    "docs/providers/aws.md.",
)
_BROKEN = Meaning(
    _F.TRANSIENT, "the service is broken for the moment", "Run the phase again later.", True
)
# An unknown refusal says nothing about a request that was made before.
_UNKNOWN = Meaning(_F.PROVIDER_FAILED, "the request was refused", "Report it with this message.")
_UNREADABLE = Meaning(
    _F.TRANSIENT,
    "AWS's answer cannot be read",
    "Run the phase again; look for a proxy between if it happens again.",
    True,
)
_MEANINGS = {
    Cause.THROTTLED: Meaning(_F.THROTTLED, "too many requests a second", _LATER),
    Cause.BROKEN: _BROKEN,
    Cause.EXPIRED: Meaning(_F.AUTH, "the credentials have expired", _LOG_IN),
    Cause.WRONG_KEYS: _WRONG_KEYS,
    Cause.CLOCK: Meaning(
        _F.AUTH,
        "this machine's clock is wrong",
        "Set this machine's clock, best by NTP; then run the phase again.",
    ),
    Cause.DISABLED: Meaning(
        _F.AUTH,
        "the account may not use this service",
        "Look whether the account is suspended, unpaid or not signed up for it, or name another.",
    ),
    Cause.DENIED: Meaning(
        _F.AUTH,
        "access is denied",
        "Allow it in the policy of the role or user; see docs/providers/aws.md.",
    ),
    Cause.KMS: _KMS,
    Cause.FULL: _BROKEN,
    Cause.OTHER_REGION: _UNKNOWN,
    Cause.ABSENT_QUEUE: Meaning(
        _F.UNSUPPORTED,
        "there is no such queue",
        "Correct `completions` in pipeline.yaml, or create the queue; jobs are polled meanwhile.",
    ),
    Cause.INVALID: Meaning(
        _F.UNSUPPORTED, "the request was refused", "Report it with this message."
    ),
    Cause.UNKNOWN: _UNKNOWN,
    Cause.NO_CREDENTIALS: Meaning(_F.AUTH, "there are no credentials", _LOG_IN),
    Cause.UNREACHABLE: Meaning(
        _F.TRANSIENT,
        "AWS does not answer",
        "Look at the network and at `endpoint` in pipeline.yaml; run the phase again.",
        True,
    ),
    Cause.DAMAGED: _UNREADABLE,
    Cause.UNREADABLE: _UNREADABLE,
    Cause.INCOMPLETE: Meaning(
        _F.MALFORMED_RESULT,
        "AWS's answer is incomplete",
        "Report it with this message; look for a proxy between.",
        True,
    ),
    Cause.MISCONFIGURED: Meaning(
        _F.UNSUPPORTED,
        "AWS cannot be asked",
        "Correct the options of this provider in pipeline.yaml.",
    ),
}
# Codes of the analysing services.
_CODES = {
    "LimitExceededException": Meaning(
        _F.CONCURRENCY,
        "as many jobs run as the account may have at once",
        "It waits for its turn; lower `concurrent_jobs` where others use the account, too.",
    ),
    "InvalidS3ObjectException": Meaning(
        # How things stand now: an earlier request may have been taken.
        _F.PROVIDER_FAILED,
        "the service cannot read the object",
        "Look whether it is still there, whether its bucket lies in the region of the provider, "
        "and whether s3:GetObject (s3:GetObjectVersion) and, for an encrypted one, kms:Decrypt "
        "are allowed; then run the phase again.",
    ),
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
    "InvalidAddress": _MEANINGS[Cause.ABSENT_QUEUE],
}
# By code, or by code and message.
Own = Mapping[str, Meaning] | Callable[[str, str], Mapping[str, Meaning]]


@contextmanager
def provider_errors(where: str, own: Own | None = None) -> Generator[None]:
    """Turn what a client of AWS raises, or keeps it from being made, into ProviderError. So are
    answers that lack a field. A service's `own` meanings go before the ones above."""
    try:
        with translated(lambda fault: _provider_error(fault, where, own), UNFIT):
            yield
    except ConfigurationError as error:
        # Such as a profile that is not on this machine: it says nothing about the request.
        raise ProviderError(
            error.what, category=_F.AUTH, remedy=error.remedy, where=where, accepted=False
        ) from error


def _provider_error(fault: Fault, where: str, own: Own | None = None) -> ProviderError:
    meanings = own(fault.code, fault.said) if callable(own) else own or {}
    meaning = meanings.get(fault.code) or _meaning(fault)
    if fault.operation or fault.code:
        said = ": ".join(filter(None, (fault.operation, fault.code, fault.said)))
        what = meaning.what + f" ({said})".replace(". ", "; ").replace(".)", ")")
    else:
        what = f"{meaning.what}: {short(fault.said.rstrip('.'))}"
    return ProviderError(
        what,
        category=meaning.category,
        remedy=meaning.remedy,
        where=where,
        accepted=meaning.accepted and fault.sent and fault.operation != "AssumeRole",
        retry_after=fault.retry_after,
    )


def unreadable(what: str, where: str) -> ProviderError:
    """Return the error of an answer that is none of the service's: cut short, or a proxy's."""
    return _provider_error(Fault(Cause.UNREADABLE, what), where)


def malformed(what: str, where: str) -> ProviderError:
    """Return the error of an answer that is the service's, and cannot be used."""
    return _provider_error(Fault(Cause.INCOMPLETE, what), where)


@contextmanager
def beforehand() -> Generator[None]:
    """Mark failures as not accepted: nothing was sent to the service that bills. They say nothing
    about an earlier request whose reply was lost."""
    try:
        yield
    except ProviderError as error:
        error.accepted = False
        if is_of_the_request(error.category):
            error.category = FailureCategory.PROVIDER_FAILED
        raise


def _meaning(fault: Fault) -> Meaning:
    known = _CODES.get(fault.code) or _MEANINGS[fault.cause]
    # An odd status (a redirect, a proxy's answer, a time-out) refuses nothing: a job may run.
    if known is _UNKNOWN and fault.operation and (fault.status < 400 or fault.status == 408):
        return _BROKEN
    # A service refuses for want of a key under whatever code fits its own work.
    refused = fault.code and fault.status < 500 and not is_passing(known.category)
    return _KMS if refused and "kms" in fault.said.lower() else known
