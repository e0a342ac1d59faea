"""The video of a job, checked before it starts: still the probed object, in a bucket of the region.

Where the bucket keeps versions, the job names the version. Where it keeps none, the ETag is
compared before the job starts and when its result is fetched; the job's tag holds it until then.
An object replaced in between fails the job, which is billed anyway; the new version is analysed
separately.
"""

# pyright: reportMissingTypeStubs=false

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from video_pipeline.aws.errors import header_of, status_of
from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.plugins.inputs import ObjectRef
from video_pipeline.providers.aws.errors import Meaning, beforehand, provider_errors
from video_pipeline.providers.aws.session import AwsSession

_ETAG = "etag:"
# Precedes the ETag in a job's tag.
TAG = "/etag:"
_NO_BUCKET = Meaning(
    FailureCategory.PROVIDER_FAILED,
    "there is no such bucket",
    "Look whether somebody deleted it, and at storage.ingest in pipeline.yaml.",
)
_OWN = {"404": _NO_BUCKET, "NoSuchBucket": _NO_BUCKET}
_AGAIN = "Run the phase again once the new version is registered; it is analysed by itself."


@dataclass(frozen=True, slots=True)
class Source:
    """An object in S3, pinned by the id of a version or by an ETag."""

    bucket: str
    key: str
    version: str | None = None
    etag: str | None = None

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def parameter(self) -> dict[str, Any]:
        """The member `Video` of Start."""
        named = {"Bucket": self.bucket, "Name": self.key}
        return {"S3Object": {**named, "Version": self.version} if self.version else named}


def source_of(given: ObjectRef | None) -> Source:
    """Return the source. Raises ProviderError for an object outside S3."""
    parts = urlsplit(given.uri) if given else None
    if given is None or parts is None or parts.scheme != "s3":
        raise ProviderError(
            "the source does not lie in S3",
            category=FailureCategory.UNSUPPORTED,
            remedy="Rekognition reads from S3 only: name a bucket under storage.ingest.",
            where=given.uri if given else "",
            accepted=False,
        )
    bucket, _, key = given.uri.removeprefix("s3://").partition("/")
    if given.version.startswith(_ETAG):
        return Source(bucket, key, etag=given.version.split(":")[1])
    return Source(bucket, key, version=given.version)


class Sources:
    """Checks sources before and after they are analysed."""

    def __init__(self, session: AwsSession, region: str) -> None:
        self._session, self._region = session, region
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def check(self, source: Source) -> None:
        """Raise ProviderError, not accepted, for a bucket elsewhere or a replaced object."""
        with beforehand():
            with self._lock:
                known = source.bucket in self._seen
            if not known:
                self._check_region(source)
                with self._lock:
                    self._seen.add(source.bucket)
            if self._is_replaced(source):
                raise ProviderError(
                    "the object is not the one that was probed: it was replaced",
                    category=FailureCategory.PROVIDER_FAILED,
                    remedy=_AGAIN,
                    where=source.uri,
                )

    def check_read(self, answer: Mapping[str, Any]) -> None:
        """Raise ProviderError if the object of an ended job was replaced: AWS may have read either
        one, and bills it. AWS does not say when a job ended, so an object replaced afterwards is
        treated alike.
        """
        source = pinned(answer)
        if source and self._is_replaced(source):
            raise ProviderError(
                "the object was replaced while its job ran",
                category=FailureCategory.INPUT_REJECTED,
                remedy=f"{_AGAIN} The job is billed all the same.",
                where=source.uri,
            )

    def _is_replaced(self, source: Source) -> bool:
        """Return whether the key has another object now. A deleted one was not replaced."""
        from botocore.exceptions import ClientError

        if source.etag is None:
            return False
        with provider_errors(source.uri):
            try:
                head = self._session.s3().head_object(Bucket=source.bucket, Key=source.key)
            except ClientError as error:
                if status_of(error) == 404:
                    return False
                raise
            return str(head["ETag"]).strip('"') != source.etag

    def _check_region(self, source: Source) -> None:
        found = self._region_of(source.bucket)
        if found and found != self._region:
            raise ProviderError(
                f"its bucket lies in {found}, and Rekognition is asked in {self._region}",
                category=FailureCategory.PROVIDER_FAILED,
                remedy=f"Add a provider with region {found}, or deliver to a bucket in "
                f"{self._region}; nothing was billed.",
                where=source.uri,
            )

    def _region_of(self, bucket: str) -> str | None:
        """Return the bucket's region, which a refusal names, too; None where it is not named."""
        from botocore.exceptions import ClientError

        name = "x-amz-bucket-region"
        with provider_errors(f"s3://{bucket}", _OWN):
            try:
                answer = self._session.s3().head_bucket(Bucket=bucket)
            except ClientError as error:
                found = header_of(error, name)
                if found is None and status_of(error) not in (301, 400, 403):
                    raise
                return found
        return answer["ResponseMetadata"]["HTTPHeaders"].get(name)


def pinned(answer: Mapping[str, Any]) -> Source | None:
    """Return the object that an ETag pins, from any answer about its job; else None."""
    etag = str(answer.get("JobTag", "")).partition(TAG)[2]
    found = (answer.get("Video") or {}).get("S3Object") or {}
    named = etag and {"Bucket", "Name"} <= found.keys()
    return Source(found["Bucket"], found["Name"], etag=etag) if named else None
