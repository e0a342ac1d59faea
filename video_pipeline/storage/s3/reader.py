"""Reading an S3 object as a file, by ranges that are retried after breaks.

Memory holds one window. Sequential reading grows it up to 8 MiB, and a seek resets it, so that a
few reads in a large object fetch little.
"""

# pyright: reportMissingTypeStubs=false

import io
from contextlib import closing
from http.client import HTTPException
from typing import TYPE_CHECKING

from botocore.exceptions import (
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)
from urllib3.exceptions import HTTPError

from video_pipeline.aws.errors import code_of, status_of
from video_pipeline.domain.errors import SourceError, SourceGone, StorageUnavailable
from video_pipeline.storage.s3.bucket import Bucket, Seen
from video_pipeline.storage.s3.errors import meaning

if TYPE_CHECKING:
    from typing_extensions import Buffer

LEAST_BYTES, MOST_BYTES = 1 << 18, 8 << 20
TRIES = 4
# A stream of bytes that ended too early.
BROKEN = (
    *(HTTPException, HTTPError, OSError, ConnectionError, HTTPClientError),
    *(IncompleteReadError, ReadTimeoutError, ResponseStreamingError),
)
# The client bounds each try by its timeouts; the waits add up to at most 1.4 s.
RETRY = Retrying(
    retry=retry_if_exception_type((*BROKEN, StorageUnavailable)),
    stop=stop_after_attempt(TRIES),
    wait=wait_random_exponential(multiplier=0.2),
    reraise=True,
)


def fetch(bucket: Bucket, seen: Seen, first: int, last: int) -> bytes:
    """Return the bytes `first` to `last`, both included, of this version.

    Raises SourceError if the version is gone or replaced, and StorageError.
    """
    with meaning(bucket.name, seen.key):
        return RETRY(_fetch, bucket, seen, first, last)


def _fetch(bucket: Bucket, seen: Seen, first: int, last: int) -> bytes:
    try:
        # As a context manager a body of botocore is the bare stream, without its checks and errors.
        with closing(bucket.body(seen, first, last)) as body:
            found: bytes = body.read()
    except ClientError as error:
        raise_if_gone(error, seen.key)
        raise
    if len(found) != last - first + 1:
        raise StorageUnavailable(
            f"S3 sent {len(found):,} bytes instead of {last - first + 1:,}, {TRIES} times",
            where=f"s3://{bucket.name}/{seen.key}",
            remedy="Check the proxies between this machine and S3.",
        )
    return found


def raise_if_gone(error: ClientError, key: str) -> None:
    """Raise SourceError if the error means that a version is gone or replaced."""
    if status_of(error) == 412 or code_of(error) == "PreconditionFailed":
        raise replaced(key, "was replaced while being read") from error
    if code_of(error) in ("NoSuchKey", "NoSuchVersion"):
        raise gone(key) from error


def gone(key: str) -> SourceGone:
    """Return the error for a deleted object."""
    return SourceGone("is gone", where=key, remedy="Deliver the video again, and keep it there.")


def replaced(key: str, what: str) -> SourceError:
    """Return the error for an object of another version."""
    return SourceError(
        what, where=key, remedy="Wait: the newer version is processed automatically."
    )


class ObjectReader(io.RawIOBase):
    """One version of an object, seekable, without a descriptor.

    A read from beginning to end verifies the checksum, and raises StorageUnavailable if it differs.
    """

    def __init__(self, bucket: Bucket, seen: Seen) -> None:
        super().__init__()
        self.name = seen.key.rpartition("/")[2]
        self._bucket, self._seen = bucket, seen
        self._position = self._start = 0
        self._window, self._step = b"", LEAST_BYTES
        self._sum = seen.checksum.start() if seen.checksum else None
        self._added = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._seen.size}[whence]
        if base + offset < 0:
            raise ValueError(f"position {base + offset} is before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: "Buffer", /) -> int:
        into = memoryview(buffer).cast("B")
        if not into or self._position >= self._seen.size:
            return 0
        offset = self._position - self._start
        if not 0 <= offset < len(self._window):
            self._move()
            offset = 0
        piece = memoryview(self._window)[offset : offset + len(into)]
        into[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _move(self) -> None:
        """Fetch the window at the position."""
        sequential = self._window and self._position == self._start + len(self._window)
        self._step = min(self._step * 2, MOST_BYTES) if sequential else LEAST_BYTES
        self._window = b""
        last = min(self._position + self._step, self._seen.size) - 1
        self._window = fetch(self._bucket, self._seen, self._position, last)
        self._start = self._position
        self._add()

    def _add(self) -> None:
        if self._sum is None or self._start != self._added:
            return
        self._sum.add(self._window)
        self._added += len(self._window)
        if self._added == self._seen.size and not self._sum.fits:
            raise damaged(self._bucket, self._seen)


def damaged(bucket: Bucket, seen: Seen) -> StorageUnavailable:
    """Return the error for bytes with a wrong checksum."""
    return StorageUnavailable(
        "the bytes arrived damaged: their checksum is another",
        where=f"s3://{bucket.name}/{seen.key}",
        remedy="Run it again; if it happens again, check the network and the disk.",
    )
