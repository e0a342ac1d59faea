"""Atomic publishing of a file: written aside, synced, then renamed into place."""

import errno
import io
import os
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from video_pipeline.domain.errors import StorageError, StorageFull
from video_pipeline.storage.local import beneath

if TYPE_CHECKING:
    from typing_extensions import Buffer

# The folder below the root that holds unfinished objects.
INCOMING = ".incoming"
# An unfinished object unchanged for this long was left by a killed writer.
STALE_SECONDS = 24 * 3600

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def meaning(where: str) -> Generator[None, None, None]:
    """Translate the operating system's errors to StorageFull and StorageError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(
                "no space or quota is left",
                where=where,
                remedy="Free some space or raise the quota, then run it again.",
            ) from error
        raise StorageError(
            f"the folder refused: {error.strerror or error}",
            where=where,
            remedy="Check that it exists, and the permissions of the pipeline's user.",
        ) from error


class Incoming:
    """The folder of unfinished objects below one root. `clock` gives seconds since the epoch."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self._root, self._clock = root, clock
        self._swept = False

    @contextmanager
    def writer(self, parts: tuple[str, ...]) -> Generator[BinaryIO, None, None]:
        """See ProjectOutputs.writer."""
        key = "/".join(parts)
        with meaning(key):
            unfinished = self._prepared() / uuid.uuid4().hex
            descriptor = os.open(unfinished, _NEW, 0o666)
        try:
            with io.BufferedWriter(_Target(descriptor, key)) as target:
                yield target
                target.flush()
                with meaning(key):
                    os.fsync(descriptor)
            with meaning(key):
                self._place(unfinished, parts)
        finally:
            unfinished.unlink(missing_ok=True)

    def _place(self, finished: Path, parts: tuple[str, ...]) -> None:
        with beneath.folder(self._root, parts[:-1], create=True) as folder:
            os.rename(finished, parts[-1], dst_dir_fd=folder)
            os.fsync(folder)

    def _prepared(self) -> Path:
        incoming = self._root / INCOMING
        incoming.mkdir(parents=True, exist_ok=True)
        if not self._swept:
            self._swept = True
            self._sweep(incoming)
        return incoming

    def _sweep(self, incoming: Path) -> None:
        for left in incoming.iterdir():
            with suppress(FileNotFoundError):
                if left.lstat().st_mtime < self._clock() - STALE_SECONDS:
                    left.unlink()


class _Target(io.FileIO):
    """The unfinished file. Only its own errors become the store's, not others of the block."""

    def __init__(self, descriptor: int, key: str) -> None:
        super().__init__(descriptor, "wb")
        self._key = key

    def write(self, b: "Buffer", /) -> int:
        with meaning(self._key):
            return super().write(b)
