"""Atomic publishing of an object: one request if it is small, a multipart upload otherwise.

Parts are invisible before the upload is completed. Memory holds one part.
"""

# pyright: reportMissingTypeStubs=false

import io
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError, ClientError

from video_pipeline.storage.s3.bucket import Bucket
from video_pipeline.storage.s3.errors import meaning

if TYPE_CHECKING:
    from typing_extensions import Buffer

# S3 accepts up to 10,000 parts of 5 MiB and more (User Guide, "Multipart upload limits").
PART_BYTES = 8 << 20
# After so many parts, the part size grows by the first size, so that 440 GB fit.
_GROWS_AFTER = 1000
_CHECKSUM = "CRC32"


@contextmanager
def writer(
    bucket: Bucket, key: str, headers: dict[str, str], part_bytes: int
) -> Generator[BinaryIO, None, None]:
    """See ProjectOutputs.writer. `headers` are parameters of PutObject."""
    upload = _Upload(bucket, key, headers, part_bytes)
    try:
        yield cast("BinaryIO", upload)
        upload.finish()
    except BaseException:
        upload.abort()
        raise
    finally:
        upload.close()


class _Upload(io.RawIOBase):
    """The writer of one object."""

    def __init__(self, bucket: Bucket, key: str, headers: dict[str, str], part_bytes: int) -> None:
        super().__init__()
        self._client, self._bucket, self._key = bucket.client, bucket.name, key
        self._headers, self._part_bytes = headers, part_bytes
        self._waiting = bytearray()
        self._id: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: "Buffer", /) -> int:
        rest = memoryview(data).cast("B")
        taken = len(rest)
        while rest:
            room = self._next_size() - len(self._waiting)
            if room:
                self._waiting += rest[:room]
                rest = rest[room:]
            else:
                self._send_part()
        self._size += taken
        return taken

    def _next_size(self) -> int:
        return self._part_bytes * (1 + len(self._parts) // _GROWS_AFTER)

    def finish(self) -> None:
        """Make the object visible. Raises StorageFull, StorageError."""
        if self._id is None:
            self._ask(
                "put_object", Body=self._waiting, ChecksumAlgorithm=_CHECKSUM, **self._headers
            )
            return
        if self._waiting:
            self._send_part()
        # S3 answers a repeated completion as before (API reference).
        parts = {"Parts": self._parts}
        self._ask("complete_multipart_upload", UploadId=self._id, MultipartUpload=parts)
        self._id = None

    def abort(self) -> None:
        """Discard the parts. If S3 does not answer, the bucket's lifecycle rule discards them."""
        if self._id is not None:
            with suppress(ClientError, BotoCoreError):
                self._client.abort_multipart_upload(
                    Bucket=self._bucket, Key=self._key, UploadId=self._id
                )

    def _send_part(self) -> None:
        if self._id is None:
            begun = self._ask(
                "create_multipart_upload", ChecksumAlgorithm=_CHECKSUM, **self._headers
            )
            self._id = begun["UploadId"]
        number = len(self._parts) + 1
        sent = self._ask(
            "upload_part",
            UploadId=self._id,
            PartNumber=number,
            Body=self._waiting,
            ChecksumAlgorithm=_CHECKSUM,
        )
        self._waiting = bytearray()
        part = {"PartNumber": number, "ETag": sent["ETag"]}
        if "ChecksumCRC32" in sent:
            part["ChecksumCRC32"] = sent["ChecksumCRC32"]
        self._parts.append(part)

    def _ask(self, operation: str, **given: Any) -> Any:
        with meaning(self._bucket, self._key):
            return getattr(self._client, operation)(Bucket=self._bucket, Key=self._key, **given)
