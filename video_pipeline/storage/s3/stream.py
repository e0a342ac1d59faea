"""Reading an S3 object from beginning to end in one request, resumed after breaks."""

# pyright: reportMissingTypeStubs=false

import io
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from tenacity import retry_if_exception_type

from video_pipeline.domain.errors import SourceError, StorageError
from video_pipeline.storage.s3.bucket import Bucket, Seen
from video_pipeline.storage.s3.errors import meaning
from video_pipeline.storage.s3.reader import BROKEN, RETRY, TRIES, raise_if_gone

if TYPE_CHECKING:
    from typing_extensions import Buffer


class ObjectStream(io.RawIOBase):
    """One version of an object from beginning to end. The client verifies the checksum."""

    def __init__(self, bucket: Bucket, seen: Seen) -> None:
        super().__init__()
        self.name = seen.key.rpartition("/")[2]
        self._bucket, self._seen = bucket, seen
        self._position, self._breaks = 0, 0
        self._body: Any = self._opened()
        # The whole stream has as many tries as one range has elsewhere.
        self._retry = RETRY.copy(
            retry=retry_if_exception_type(BROKEN), stop=lambda _: self._breaks == TRIES
        )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer", /) -> int:
        into = memoryview(buffer).cast("B")
        with meaning(self._bucket.name, self._seen.key):
            piece = self._retry(self._read, len(into))
        into[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _read(self, size: int) -> bytes:
        try:
            if self._body is None:
                self._body = self._opened()
            found: bytes = self._body.read(size)
        except BROKEN:
            self._breaks, self._body = self._breaks + 1, None
            raise
        return found

    def _opened(self) -> Any:
        """Open the rest of the version that was begun."""
        try:
            with meaning(self._bucket.name, self._seen.key):
                try:
                    return self._bucket.body(self._seen, self._position)
                except ClientError as error:
                    raise_if_gone(error, self._seen.key)
                    raise
        except SourceError as error:
            raise StorageError(
                error.what, where=error.where, remedy="Run it again to read the new object."
            ) from error

    def close(self) -> None:
        if not self.closed and self._body is not None:
            self._body.close()
        super().close()
