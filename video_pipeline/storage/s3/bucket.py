"""One bucket: its objects described, listed and read at one version. Accepts any key."""

# pyright: reportMissingTypeStubs=false

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from video_pipeline.aws.console import object_page
from video_pipeline.aws.errors import code_of, status_of
from video_pipeline.aws.versions import version_of
from video_pipeline.domain.errors import StorageUnavailable
from video_pipeline.domain.values import Frozen
from video_pipeline.plugins.paging import pages
from video_pipeline.storage.s3.checksums import Expected, expected_of
from video_pipeline.storage.s3.errors import meaning

_ABSENT = frozenset({"NoSuchKey", "NoSuchVersion"})
# How long the answer whether a bucket is versioned is cached.
_ASKED_SECONDS = 60.0
_PAST_THE_END = "InvalidRange"
# The parameters that continue a listing, by operation, and where a page holds them.
_MARKERS = {
    "list_objects_v2": {"ContinuationToken": "NextContinuationToken"},
    "list_object_versions": {
        "KeyMarker": "NextKeyMarker",
        "VersionIdMarker": "NextVersionIdMarker",
    },
}


class Seen(Frozen):
    """An object as S3 describes it now. `version_id` is None without versioning."""

    key: str
    size: int
    etag: str
    version_id: str | None = None
    checksum: Expected | None = None

    @property
    def version(self) -> str:
        """Return the version's id, or one made from ETag and size without versioning."""
        return version_of(self.version_id, self.etag, self.size)


class Bucket:
    """`client` is a boto3 client of S3."""

    def __init__(self, client: Any, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.client, self.name, self._clock = client, name, clock
        self._keeps_versions, self._asked_again_at = False, float("-inf")

    def look(self, key: str) -> Seen | None:
        """Return the current object, or None. Raises StorageError."""
        with meaning(self.name, key):
            try:
                head = self._head(key)
            except ClientError as error:
                if self._is_absent(key, error):
                    return None
                head = self._head(key)
        return Seen(
            key=key,
            size=head["ContentLength"],
            etag=head["ETag"],
            version_id=head.get("VersionId"),
            checksum=expected_of(head),
        )

    def _head(self, key: str) -> Any:
        return self.client.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")

    def _is_absent(self, key: str, error: ClientError) -> bool:
        """Return whether the object of a failed HEAD is absent. Raises ClientError.

        The answer to a HEAD has no body. A GET distinguishes a missing object from a missing bucket
        or a refusal, and shows whether the object exists by now.
        """
        if status_of(error) >= 500:
            raise error
        try:
            found = self.client.get_object(Bucket=self.name, Key=key, Range="bytes=0-0")
        except ClientError as explained:
            if code_of(explained) in _ABSENT:
                return True
            if code_of(explained) != _PAST_THE_END:
                raise
        else:
            found["Body"].close()
        return False

    def body(self, seen: Seen, first: int = 0, last: int | None = None) -> Any:
        """Stream the bytes `first` to `last`, both included.

        Raises ClientError; status 412 or a code of absence mean that this version is gone.
        """
        asked: dict[str, Any] = {"Bucket": self.name, "Key": seen.key}
        if seen.version_id and seen.version_id != "null":
            asked["VersionId"] = seen.version_id
        else:
            asked["IfMatch"] = seen.etag
        if first or last is not None:
            asked["Range"] = f"bytes={first}-{'' if last is None else last}"
        else:
            asked["ChecksumMode"] = "ENABLED"
        return self.client.get_object(**asked)["Body"]

    def uri(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def console_url(self, key: str) -> str | None:
        """Return the object's page in AWS's console. None for a bucket elsewhere."""
        return object_page(self.client, self.name, key)

    def presigned(self, key: str, seconds: int) -> str:
        """Return an address that anyone can read for so long. Raises StorageError.

        It expires with the signing credentials at the latest.
        """
        asked = {"Bucket": self.name, "Key": key}
        with meaning(self.name, key):
            signed = self.client.generate_presigned_url(
                "get_object", Params=asked, ExpiresIn=seconds
            )
        return str(signed)

    def keeps_versions(self) -> bool:
        """Return whether versioning is or was on, cached for a minute. Raises StorageError."""
        if self._clock() >= self._asked_again_at:
            self._keeps_versions = self._asked_for_versions()
            self._asked_again_at = self._clock() + _ASKED_SECONDS
        return self._keeps_versions

    def _asked_for_versions(self) -> bool:
        with meaning(self.name):
            try:
                return "Status" in self.client.get_bucket_versioning(Bucket=self.name)
            except ClientError as error:
                if status_of(error) == 501:
                    return False
                raise

    def current(self, prefix: str, after: str = "") -> Iterator[Seen]:
        """Yield the current objects in key order."""
        asked = {"StartAfter": after} if after else {}
        for page in self._pages("list_objects_v2", prefix, asked):
            for found in page.get("Contents", ()):
                yield Seen(key=found["Key"], size=found["Size"], etag=found["ETag"])

    def current_versions(self, prefix: str, after: str = "") -> Iterator[Seen]:
        """Yield the current objects with their version ids, in key order.

        The listing also reads older versions and delete markers, and takes time for each.
        """
        asked = {"KeyMarker": after} if after else {}
        for page in self._pages("list_object_versions", prefix, asked):
            for found in page.get("Versions", ()):
                if found["IsLatest"] and found["Key"] > after:
                    yield Seen(
                        key=found["Key"],
                        size=found["Size"],
                        etag=found["ETag"],
                        version_id=found["VersionId"],
                    )

    def _pages(self, operation: str, prefix: str, asked: Mapping[str, str]) -> Iterator[Any]:
        """Yield the pages of a listing. Raises StorageError."""
        markers, ask = _MARKERS[operation], getattr(self.client, operation)

        def one(token: tuple[tuple[str, str], ...] | None) -> Any:
            with meaning(self.name, prefix):
                return ask(Bucket=self.name, Prefix=prefix, **{**asked, **dict(token or ())})

        def token_of(page: Any) -> tuple[tuple[str, str], ...]:
            more = page.get("IsTruncated")
            return tuple((to, page[of]) for to, of in markers.items() if more and page.get(of))

        def endless(why: str) -> StorageUnavailable:
            return StorageUnavailable(
                f"S3's listing does not end: {why}",
                where=f"s3://{self.name}/{prefix}",
                remedy="Run it again later; if it happens again, report it to the store's maker.",
            )

        return pages(one, token_of, endless)
