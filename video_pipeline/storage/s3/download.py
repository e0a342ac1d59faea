"""Download of an object to a local file by concurrent ranges, with its checksum verified."""

import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from video_pipeline.storage.local.publish import meaning as disk_meaning
from video_pipeline.storage.s3.bucket import Bucket, Seen
from video_pipeline.storage.s3.reader import damaged, fetch

RANGE_BYTES = 8 << 20
SIDE_BY_SIDE = 4
_PIECE_BYTES = 1 << 20


def download(bucket: Bucket, seen: Seen, into: Path, range_bytes: int = RANGE_BYTES) -> None:
    """Write one version of an object to a file; a failure leaves no file.

    Memory holds SIDE_BY_SIDE ranges. Raises SourceError if the version is gone, StorageFull and
    StorageError.
    """
    try:
        with disk_meaning(str(into)):
            descriptor = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.ftruncate(descriptor, seen.size)
                _fill(bucket, seen, descriptor, range_bytes)
            finally:
                os.close(descriptor)
        _check(bucket, seen, into)
    except BaseException:
        into.unlink(missing_ok=True)
        raise


def _fill(bucket: Bucket, seen: Seen, descriptor: int, range_bytes: int) -> None:
    def one(first: int) -> None:
        last = min(first + range_bytes, seen.size) - 1
        rest = memoryview(fetch(bucket, seen, first, last))
        while rest:
            written = os.pwrite(descriptor, rest, last + 1 - len(rest))
            rest = rest[written:]

    under_way: set[Future[None]] = set()
    pool = ThreadPoolExecutor(SIDE_BY_SIDE)
    try:
        for first in range(0, seen.size, range_bytes):
            if len(under_way) == SIDE_BY_SIDE:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
            under_way.add(pool.submit(one, first))
        for future in under_way:
            future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _check(bucket: Bucket, seen: Seen, file: Path) -> None:
    if seen.checksum is None:
        return
    added = seen.checksum.start()
    with file.open("rb") as reader:
        while piece := reader.read(_PIECE_BYTES):
            added.add(piece)
    if not added.fits:
        raise damaged(bucket, seen)
