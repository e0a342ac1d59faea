"""What S3's answers and the failures on the way to it mean, in the project's own errors.

The codes are those of the S3 API reference, "Error responses". Only `NoSuchKey` says that an
object is not there: a refusal or a broken server never does.
"""

# pyright: reportMissingTypeStubs=false

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
)

from video_pipeline.aws.answers import (
    NO_CREDENTIALS,
    code_of,
    header_of,
    message_of,
    part_of,
    status_of,
)
from video_pipeline.domain.errors import StorageError, StorageFull, StorageUnavailable

_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
)
_UNKNOWN_KEYS = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId"}
    | {"UnrecognizedClientException", "InvalidSecurity"}
)
_ELSEWHERE = frozenset(
    {"PermanentRedirect", "TemporaryRedirect", "301", "307", "IllegalLocationConstraintException"}
)
_BUSY = frozenset(
    {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted"}
    | {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
)
_FULL = frozenset({"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "507"})
_DENIED = frozenset({"AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "Forbidden"})
_RIGHTS = {
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AssumeRole": "sts:AssumeRole",
}
"""The right that an operation needs, where it is not the operation's own name."""


@contextmanager
def meaning(bucket: str, key: str = "") -> Generator[None, None, None]:
    """Turn the errors of a client of S3 into StorageError and what stands below it."""
    where = f"s3://{bucket}/{key}"
    try:
        yield
    except ClientError as error:
        raise _answered(error, where) from error
    except FlexibleChecksumError as error:
        raise StorageUnavailable(
            "the bytes arrived damaged: their checksum is another",
            where=where,
            remedy="Run it again; if it happens again, look at the network and the disk.",
        ) from error
    except NO_CREDENTIALS as error:
        raise StorageError(
            f"there are no credentials for S3 ({error})",
            where=where,
            remedy="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile or a role "
            "under storage.s3 in pipeline.yaml, or run where a role is given.",
        ) from error
    except (ConnectionError, HTTPClientError) as error:
        raise StorageUnavailable(
            f"S3 does not answer: {error}",
            where=where,
            remedy="Look at the network and at storage.s3.endpoint in pipeline.yaml.",
        ) from error
    except BotoCoreError as error:
        raise StorageError(
            f"S3 cannot be asked: {error}",
            where=where,
            remedy="Mend what storage.s3 says in pipeline.yaml.",
        ) from error


def _answered(error: ClientError, where: str) -> StorageError:
    """An answer that is an error."""
    code, status = code_of(error), status_of(error)
    told = message_of(error) or "no reason given"
    if code == "NoSuchBucket":
        remedy = "Create it, or name another under `storage:` or by S3_BUCKET, S3_OUTPUT_BUCKET."
        return StorageError("there is no such bucket", where=where, remedy=remedy)
    if code in ("NoSuchKey", "NoSuchVersion"):
        remedy = "Look whether somebody deleted it; make it again by a run."
        return StorageError("there is no such object", where=where, remedy=remedy)
    if code in _FULL or status == 507:
        remedy = "Free some space or raise the quota, then run it again."
        return StorageFull("no space or quota is left", where=where, remedy=remedy)
    if code in _BUSY or status in (429, 503) or status >= 500:
        remedy = "Run it again later; it was already tried several times."
        return StorageUnavailable(
            f"S3 is busy or broken ({code}: {told})", where=where, remedy=remedy
        )
    return _elsewhere(error, where) or _refused(error, where)


def _elsewhere(error: ClientError, where: str) -> StorageError | None:
    code, told = code_of(error), message_of(error)
    malformed = code == "AuthorizationHeaderMalformed" and "region" in told.lower()
    if not malformed and code not in _ELSEWHERE:
        return None
    region = part_of(error, "Region") or header_of(error, "x-amz-bucket-region")
    remedy = f"Set storage.s3.region to {region or 'its own'}."
    return StorageError("the bucket lies in another region", where=where, remedy=remedy)


def _refused(error: ClientError, where: str) -> StorageError:
    code, told = code_of(error), message_of(error) or "no reason given"
    if code in _EXPIRED:
        what = "the credentials have expired"
        remedy = "Log in again, or name a role under storage.s3, whose credentials are renewed."
    elif code in _UNKNOWN_KEYS:
        what, remedy = f"the credentials are wrong ({code})", "Set those of the bucket's account."
    elif code == "RequestTimeTooSkewed":
        what, remedy = "this machine's clock is wrong", "Set it, best by NTP."
    elif code.startswith("KMS") or (code in _DENIED and "kms:" in told):
        what = f"the KMS key may not be used ({told})"
        remedy = "Allow kms:GenerateDataKey and kms:Decrypt on it; see docs/storage.md."
    elif code in _DENIED:
        operation = str(cast("Any", error).operation_name)
        right = _RIGHTS.get(operation, f"s3:{operation}")
        what, remedy = "access is denied", f"Allow {right} there; see docs/storage.md."
    else:
        what, remedy = f"S3 refused: {code}: {told}", "See what the store says of this code."
    return StorageError(what, where=where, remedy=remedy)
