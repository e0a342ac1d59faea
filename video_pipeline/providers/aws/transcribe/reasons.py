"""Meanings of the texts with which Amazon Transcribe refuses a request or fails a job. Pure.

The texts are those of its model in botocore (FailureReason) and of its own answers.
"""

from video_pipeline.aws.errors import short
from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.work import UnitFailure
from video_pipeline.providers.aws.errors import Meaning

_F = FailureCategory
_NOT_FOUND = "job couldn't be found"

_REASONS: tuple[tuple[tuple[str, ...], Meaning], ...] = (
    (
        ("same region", "in the region", "another region"),
        Meaning(
            _F.UNSUPPORTED,
            "a bucket lies in another region than the provider",
            "Name a provider in the bucket's region, or an output bucket in the provider's.",
        ),
    ),
    (
        ("kms",),
        Meaning(
            _F.AUTH,
            "the KMS key may not be used",
            "Allow kms:Decrypt and kms:GenerateDataKey on it; see docs/providers/aws.md.",
        ),
    ),
    (
        ("output bucket", "output location", "outputbucketname", "be written"),
        Meaning(
            _F.AUTH,
            "the service cannot write to the output bucket",
            "Make the bucket of `output`, and allow s3:PutObject in it; see docs/providers/aws.md.",
        ),
    ),
    (
        ("doesn't point to", "does not exist", "no such object"),
        Meaning(
            _F.INPUT_REJECTED,
            "the object is not there",
            "Look whether it was moved or deleted, and put it in again.",
        ),
    ),
    (
        ("can't be accessed", "access denied", "permission", "not authorized", "assume"),
        Meaning(
            _F.AUTH,
            "the service cannot read the object",
            "Allow s3:GetObject on it and, for an encrypted one, kms:Decrypt; look whether it is "
            "still there.",
        ),
    ),
    (
        ("vocabulary", "language model"),
        Meaning(
            _F.UNSUPPORTED,
            "a vocabulary or filter cannot be used",
            "Make it in the provider's region and wait until it is READY, or correct its name.",
        ),
    ),
    (
        (
            *("media format", "sample rate", "file size", "number of channels", "too long"),
            *("too short", "duration", "audio file", "media file", "empty", "no audio"),
        ),
        Meaning(
            _F.INPUT_REJECTED,
            "the service does not take this media",
            "Deliver it as H.264 and AAC in MP4, or choose another provider for it.",
        ),
    ),
)


def meaning_of(reason: str) -> Meaning | None:
    """Return what a reason means; None for an unknown one."""
    said = reason.lower()
    found = (meaning for words, meaning in _REASONS if any(word in said for word in words))
    return next(found, None)


def failure(reason: str) -> UnitFailure:
    """Return why a job failed, from its FailureReason."""
    known = meaning_of(reason)
    said = short(reason.strip()).rstrip(".") or "it gives no reason"
    if known is None:
        return UnitFailure(
            category=_F.PROVIDER_FAILED, message=f"the service could not do it ({said})"
        )
    return UnitFailure(
        category=known.category, message=f"{known.what} ({said}). {known.remedy.rstrip('.')}"
    )


def refusal(code: str, message: str) -> dict[str, Meaning]:
    """Return the meaning of a code with this message, which may be more specific."""
    said = message.lower()
    if code == "BadRequestException" and _NOT_FOUND in said:
        return {code: UNKNOWN_JOB}
    if code == _LIMIT and "too long" in said and "too many" not in said:
        return {code: _TOO_LONG}
    known = meaning_of(message) if code == "BadRequestException" else None
    return {code: known} if known else OWN


UNKNOWN_JOB = Meaning(
    _F.RESULT_EXPIRED,
    "the service knows no such job (any more)",
    "Run the phase again: the request is made anew, and billed.",
)
# Too many jobs, or a file that is too long; where a message names both, more room may help.
_LIMIT = "LimitExceededException"
_TOO_LONG = Meaning(
    _F.INPUT_REJECTED,
    "the file is too long for the service",
    "Deliver it in shorter parts, or choose another provider for it.",
)
OWN = {
    "NotFoundException": UNKNOWN_JOB,
    _LIMIT: Meaning(
        _F.CONCURRENCY,
        "as many jobs run, or are asked for a second, as the account may have",
        "It waits for its turn; lower `concurrent_jobs` where others use the account, too.",
    ),
}
