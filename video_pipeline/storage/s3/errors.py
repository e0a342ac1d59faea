"""What the causes of S3's failures mean for a store, in the project's own errors.

Only `NoSuchKey` says that an object is absent: a refusal or a broken server never does.
"""

from contextlib import AbstractContextManager

from video_pipeline.aws.errors import Cause, Fault, translated
from video_pipeline.domain.errors import StorageError, StorageFull, StorageUnavailable

# The right that an operation needs, where it is not the operation's own name.
_RIGHTS = {
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AssumeRole": "sts:AssumeRole",
}
_BUSY = ("S3 is busy or broken ({told})", "Run it again later; it was already tried several times.")
_DENIED = ("access is denied", "Allow {right} there; see docs/storage.md.")
_ABSENT = ("there is no such object", "Look whether somebody deleted it; make it again by a run.")
_REFUSED = ("S3 refused: {told}", "See what the store says of this code.")
# What happened and what to do, by code or else by cause.
_CODES = {
    "NoSuchBucket": (
        "there is no such bucket",
        "Create it, or name another under `storage:` or by S3_BUCKET, S3_OUTPUT_BUCKET.",
    ),
    "NoSuchKey": _ABSENT,
    "NoSuchVersion": _ABSENT,
}
_CAUSES = {
    Cause.FULL: (
        "no space or quota is left",
        "Free some space or raise the quota, then run it again.",
    ),
    Cause.THROTTLED: _BUSY,
    Cause.BROKEN: _BUSY,
    Cause.OTHER_REGION: (
        "the bucket lies in another region",
        "Set storage.s3.region to {region}.",
    ),
    Cause.EXPIRED: (
        "the credentials have expired",
        "Log in again, or name a role under storage.s3, whose credentials are renewed.",
    ),
    Cause.WRONG_KEYS: ("the credentials are wrong ({code})", "Set those of the bucket's account."),
    Cause.CLOCK: ("this machine's clock is wrong", "Set it, best by NTP."),
    Cause.KMS: (
        "the KMS key may not be used ({said})",
        "Allow kms:GenerateDataKey and kms:Decrypt on it; see docs/storage.md.",
    ),
    Cause.DENIED: _DENIED,
    Cause.DISABLED: (
        "the account may not use S3 ({told})",
        "Check that the account is active and signed up for S3.",
    ),
    Cause.DAMAGED: (
        "the bytes arrived damaged: their checksum is another",
        "Run it again; if it happens again, look at the network and the disk.",
    ),
    Cause.NO_CREDENTIALS: (
        "there are no credentials for S3 ({said})",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile or a role "
        "under storage.s3 in pipeline.yaml, or run where a role is given.",
    ),
    Cause.UNREACHABLE: (
        "S3 does not answer: {said}",
        "Look at the network and at storage.s3.endpoint in pipeline.yaml.",
    ),
    Cause.UNREADABLE: (
        "S3's answer cannot be read: {said}",
        "Run it again; look for a proxy between if it happens again.",
    ),
    Cause.MISCONFIGURED: (
        "S3 cannot be asked: {said}",
        "Correct storage.s3 in pipeline.yaml.",
    ),
}
_KINDS: dict[Cause, type[StorageError]] = {
    Cause.FULL: StorageFull,
    **dict.fromkeys((Cause.THROTTLED, Cause.BROKEN, Cause.DAMAGED), StorageUnavailable),
    **dict.fromkeys((Cause.UNREACHABLE, Cause.UNREADABLE), StorageUnavailable),
}


def meaning(bucket: str, key: str = "") -> AbstractContextManager[None]:
    """Turn the errors of a client of S3 into StorageError and what stands below it."""
    return translated(lambda fault: _storage_error(fault, f"s3://{bucket}/{key}"))


def _storage_error(fault: Fault, where: str) -> StorageError:
    cause = fault.cause
    if fault.status >= 500 and cause is not Cause.FULL:
        cause = Cause.BROKEN
    own = _CODES.get(fault.code)
    what, remedy = own or _CAUSES.get(cause, _REFUSED)
    said = fault.said or "no reason given"
    words = {
        "said": said,
        "told": f"{fault.code}: {said}",
        "code": fault.code,
        "region": fault.region or "its own",
        "right": _RIGHTS.get(fault.operation, f"s3:{fault.operation}"),
    }
    kind = StorageError if own else _KINDS.get(cause, StorageError)
    return kind(what.format_map(words), where=where, remedy=remedy.format_map(words))
