"""The objects in S3 that a job of Amazon Transcribe reads and writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from video_pipeline.aws.errors import code_of
from video_pipeline.aws.versions import version_of
from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.values import MOST_BYTES, BeyondBounds, read_json
from video_pipeline.providers.aws.errors import Meaning, malformed, provider_errors, unreadable

_F = FailureCategory
_ELSEWHERE = Meaning(
    _F.UNSUPPORTED,
    "the bucket lies in another region than the provider",
    "Name a provider in the bucket's region.",
)
_READING: Mapping[str, Meaning] = {"301": _ELSEWHERE, "PermanentRedirect": _ELSEWHERE}
_LOST = Meaning(
    _F.RESULT_EXPIRED,
    "the result does not lie in the output bucket any more",
    "Keep it there until the unit is settled. Run the phase again: it is made anew, and billed.",
)
_FETCHING: Mapping[str, Meaning] = {**_READING, "NoSuchKey": _LOST, "NoSuchBucket": _LOST}


@dataclass(frozen=True, slots=True)
class There:
    uri: str
    version: str
    etag: str
    put_at: datetime


def place_of(uri: str) -> tuple[str, str]:
    """Return bucket and key of an address: of `s3:`, or with the bucket in host or path."""
    parts = urlsplit(uri)
    path = unquote(parts.path).lstrip("/")
    host, dot, _ = parts.netloc.partition(".s3")
    if parts.scheme == "s3":
        path = uri.removeprefix("s3://")
    elif dot and parts.netloc.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return host, path
    bucket, _, key = path.partition("/")
    return bucket, key


def look(client: Callable[[], Any], uri: str) -> There | None:
    """Return the current object, if any. Raises ProviderError."""
    from botocore.exceptions import ClientError

    bucket, key = place_of(uri)
    with provider_errors(uri, _READING):
        try:
            head = client().head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchKey"):
                return None
            raise
        version = version_of(head.get("VersionId"), head["ETag"], head["ContentLength"])
        return There(uri, version, head["ETag"].strip('"'), head["LastModified"])


def result(client: Callable[[], Any], uri: str, job: str) -> bytes:
    """Return the whole result of a job.

    Raises ProviderError: result_expired if it is gone, transient if it is another job's or cut off,
    malformed_result if it is too large.
    """
    bucket, key = place_of(uri)
    where = f"s3://{bucket}/{key}"
    with provider_errors(where, _FETCHING):
        body: bytes = client().get_object(Bucket=bucket, Key=key)["Body"].read(MOST_BYTES + 1)
    try:
        found = read_json(body)
    except BeyondBounds as error:
        if len(body) <= MOST_BYTES:
            return body  # the same each time: it is stored, and normalising it says what is wrong
        raise malformed(f"the result of {job} cannot be read: {error}", where) from error
    except ValueError as error:
        raise unreadable(f"the result of {job} is no JSON", where) from error
    if not isinstance(found, dict) or "results" not in found:
        raise unreadable(f"there are no results of {job}", where)
    if found.get("jobName", job) != job:
        raise unreadable(f"it is the result of another job, {found['jobName']}", where)
    return body
