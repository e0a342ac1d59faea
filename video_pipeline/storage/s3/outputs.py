"""The output store in a bucket."""

import io
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, BinaryIO, cast

from video_pipeline.aws.versions import content_version
from video_pipeline.domain.errors import StorageError
from video_pipeline.storage.keys import (
    check_handed_out,
    check_published,
    checked_project,
    published_prefix,
)
from video_pipeline.storage.s3.bucket import Bucket, Seen
from video_pipeline.storage.s3.errors import meaning
from video_pipeline.storage.s3.stream import ObjectStream
from video_pipeline.storage.s3.upload import PART_BYTES, writer
from video_pipeline.storage.store import OCTET_STREAM, StoredObject

_BUFFER_BYTES = 1 << 16


class S3Outputs:
    """Where results are published, in a bucket. `client` is a boto3 client of S3.

    Objects larger than `part_bytes` are uploaded in parts of that size.
    """

    def __init__(
        self, client: Any, bucket: str, kms_key: str | None = None, part_bytes: int = PART_BYTES
    ) -> None:
        self._bucket, self._kms_key, self._part_bytes = Bucket(client, bucket), kms_key, part_bytes

    def project(self, project: str) -> "S3ProjectOutputs":
        return S3ProjectOutputs(
            self._bucket, checked_project(project), self._kms_key, self._part_bytes
        )


class S3ProjectOutputs:
    """The results of one project."""

    def __init__(self, bucket: Bucket, project: str, kms_key: str | None, part_bytes: int) -> None:
        self._bucket, self.project = bucket, project
        self._kms_key, self._part_bytes = kms_key, part_bytes

    def writer(self, key: str, media_type: str = OCTET_STREAM) -> AbstractContextManager[BinaryIO]:
        check_published(self.project, key)
        headers = {"ContentType": media_type}
        if self._kms_key:
            headers |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._kms_key}
        return writer(self._bucket, key, headers, self._part_bytes)

    @contextmanager
    def open(self, key: str) -> Generator[BinaryIO, None, None]:
        """See ProjectOutputs. Replacing the object does not disturb the reader.

        StorageError is raised if its connection breaks after that.
        """
        seen = self._look(key)
        if seen is None:
            raise StorageError(
                "there is no such object",
                where=f"s3://{self._bucket.name}/{key}",
                remedy="Run the video again; check whether something deletes outputs.",
            )
        with io.BufferedReader(ObjectStream(self._bucket, seen), _BUFFER_BYTES) as reader:
            yield cast("BinaryIO", reader)

    def stat(self, key: str) -> StoredObject | None:
        seen = self._look(key)
        return _stored(seen) if seen else None

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        published_prefix(self.project, prefix)
        yield from map(_stored, self._bucket.current(prefix))

    def delete(self, key: str) -> None:
        """See ProjectOutputs. In a versioned bucket, older versions stay."""
        check_published(self.project, key)
        with meaning(self._bucket.name, key):
            self._bucket.client.delete_object(Bucket=self._bucket.name, Key=key)

    def uri(self, key: str) -> str:
        check_published(self.project, key)
        return self._bucket.uri(key)

    def console_url(self, key: str) -> str | None:
        check_published(self.project, key)
        return self._bucket.console_url(key)

    def presigned(self, key: str, seconds: int) -> str:
        check_handed_out(self.project, key, seconds)
        return self._bucket.presigned(key, seconds)

    def _look(self, key: str) -> Seen | None:
        check_published(self.project, key)
        return self._bucket.look(key)


def _stored(seen: Seen) -> StoredObject:
    """Describe an object. Its version depends on the content only: no reader pins an output."""
    return StoredObject(key=seen.key, size=seen.size, version=content_version(seen.etag, seen.size))
