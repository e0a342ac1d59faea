"""The ingest store in a bucket, read-only."""

import io
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from video_pipeline.domain.naming.layout import Layout, is_key
from video_pipeline.storage.keys import (
    check_delivered,
    check_lifetime,
    checked_project,
    delivered_prefix,
    is_delivered,
)
from video_pipeline.storage.s3.bucket import Bucket, Seen
from video_pipeline.storage.s3.download import download
from video_pipeline.storage.s3.reader import ObjectReader, gone, replaced
from video_pipeline.storage.store import StoredObject

_USUAL = Layout()
_BUFFER_BYTES = 1 << 16


class S3Ingest:
    """Where videos arrive, in a bucket. `client` is a boto3 client of S3."""

    appears_whole = True
    is_remote = True

    def __init__(self, client: Any, bucket: str, layout: Layout = _USUAL) -> None:
        self._bucket, self.layout = Bucket(client, bucket), layout

    def listing(self, after: str = "") -> Iterator[StoredObject]:
        return _listing(self._bucket, self.layout.below, after)

    def project(self, project: str) -> "S3ProjectIngest":
        return S3ProjectIngest(self._bucket, checked_project(project), self.layout)


class S3ProjectIngest:
    """The delivered objects of one project."""

    def __init__(self, bucket: Bucket, project: str, layout: Layout) -> None:
        self._bucket, self.project, self._layout = bucket, project, layout

    def stat(self, key: str) -> StoredObject | None:
        check_delivered(self._layout, self.project, key)
        seen = self._bucket.look(key)
        return _stored(seen) if seen else None

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        delivered_prefix(self._layout, self.project, prefix)
        for found in _listing(self._bucket, prefix):
            if is_delivered(self._layout, self.project, found.key):
                yield found

    @contextmanager
    def open(self, key: str, version: str) -> Generator[BinaryIO, None, None]:
        """See ProjectIngest. Ranges are fetched as they are read.

        Without versioning, reading raises SourceError if the object was replaced meanwhile.
        """
        reader = io.BufferedReader(
            ObjectReader(self._bucket, self._seen(key, version)), _BUFFER_BYTES
        )
        with reader:
            yield cast("BinaryIO", reader)

    def fetch(self, key: str, version: str, into: Path) -> None:
        download(self._bucket, self._seen(key, version), into)

    def uri(self, key: str) -> str:
        check_delivered(self._layout, self.project, key)
        return self._bucket.uri(key)

    def console_url(self, key: str) -> str | None:
        check_delivered(self._layout, self.project, key)
        return self._bucket.console_url(key)

    def presigned(self, key: str, seconds: int) -> str:
        check_delivered(self._layout, self.project, key)
        check_lifetime(key, seconds)
        return self._bucket.presigned(key, seconds)

    def _seen(self, key: str, version: str) -> Seen:
        check_delivered(self._layout, self.project, key)
        seen = self._bucket.look(key)
        if seen is None:
            raise gone(key)
        if seen.version != version:
            raise replaced(key, "is not the version that arrived")
        return seen


def _listing(bucket: Bucket, prefix: str, after: str = "") -> Iterator[StoredObject]:
    look = bucket.current_versions if bucket.keeps_versions() else bucket.current
    return map(_stored, look(prefix, after))


def _stored(seen: Seen) -> StoredObject:
    """Describe an object. An invalid key is no file, except an empty one that marks a folder."""
    marks_a_folder = seen.key.endswith("/") and not seen.size
    form = "file" if marks_a_folder or is_key(seen.key) else "other"
    return StoredObject(key=seen.key, size=seen.size, version=seen.version, form=form)
