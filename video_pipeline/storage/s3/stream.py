"""Reading an object of S3 from beginning to end by one request, going on where it breaks."""

# pyright: reportMissingTypeStubs=false

import io
import random
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from video_pipeline.domain.errors import SourceError, StorageError
from video_pipeline.storage.s3.bucket import Bucket, Seen
from video_pipeline.storage.s3.errors import meaning
from video_pipeline.storage.s3.reader import BROKEN, raise_if_gone

if TYPE_CHECKING:
    from typing_extensions import Buffer

_TRIES = 4
_WAIT_SECONDS = 0.2


class ObjectStream(io.RawIOBase):
    """One version of an object from beginning to end. The checksum is verified by the client."""

    def __init__(self, bucket: Bucket, seen: Seen) -> None:
        super().__init__()
        self.name = seen.key.rpartition("/")[2]
        self._bucket, self._seen = bucket, seen
        self._position, self._tries = 0, 0
        self._body = self._opened()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer", /) -> int:
        into = memoryview(buffer).cast("B")
        with meaning(self._bucket.name, self._seen.key):
            while True:
                try:
                    piece: bytes = self._body.read(len(into))
                    break
                except BROKEN:
                    self._tries += 1
                    if self._tries == _TRIES:
                        raise
                    time.sleep(random.random() * _WAIT_SECONDS * 2**self._tries)
                    self._body = self._opened()
        into[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _opened(self) -> Any:
        """The rest of it, pinned to the version that was begun."""
        try:
            with meaning(self._bucket.name, self._seen.key):
                try:
                    return self._bucket.body(self._seen, self._position)
                except ClientError as error:
                    raise_if_gone(error, self._seen.key)
                    raise
        except SourceError as error:
            raise StorageError(
                error.what, where=error.where, remedy="Run it again: it reads what is there now."
            ) from error

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()
