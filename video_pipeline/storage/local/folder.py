"""Object stores in a local folder: a key is the path below the folder."""

import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from video_pipeline.domain.errors import SourceError, SourceGone, StorageError, StorageUnavailable
from video_pipeline.domain.naming.layout import Layout
from video_pipeline.storage.keys import (
    check_delivered,
    check_handed_out,
    check_lifetime,
    check_published,
    checked_project,
    delivered_prefix,
    is_delivered,
    published_prefix,
)
from video_pipeline.storage.local import beneath
from video_pipeline.storage.local.publish import Incoming, meaning
from video_pipeline.storage.local.walk import walk
from video_pipeline.storage.store import OCTET_STREAM, StoredObject

_USUAL = Layout()
_PIECE_BYTES = 1 << 20
_REPLACED = "was replaced while being read"
_PUT_AGAIN = "Deliver the video again as a plain file, and keep it there."


class FolderIngest:
    """Where videos arrive, in a folder."""

    appears_whole = False
    is_remote = False

    def __init__(self, root: Path, layout: Layout = _USUAL) -> None:
        self._root, self.layout = root.absolute(), layout

    def listing(self, after: str = "") -> Iterator[StoredObject]:
        """See IngestStore. Links are listed as such and never followed."""
        if not self._root.is_dir():
            raise StorageError(
                "there is no such folder",
                where=str(self._root),
                remedy="Create it, or name another ingest folder in pipeline.yaml.",
            )
        below = self.layout.below
        with meaning(below or str(self._root)):
            yield from walk(self._root, below.split("/")[:-1], after)

    def project(self, project: str) -> "FolderProjectIngest":
        return FolderProjectIngest(self._root, checked_project(project), self.layout)


class FolderProjectIngest:
    """The delivered files of one project."""

    def __init__(self, root: Path, project: str, layout: Layout) -> None:
        self._root, self.project, self._layout = root, project, layout

    def stat(self, key: str) -> StoredObject | None:
        parts = check_delivered(self._layout, self.project, key)
        with meaning(key):
            return beneath.look(self._root, parts)

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        parts = delivered_prefix(self._layout, self.project, prefix)
        with meaning(prefix):
            for found in walk(self._root, parts):
                own = is_delivered(self._layout, self.project, found.key)
                if own and found.key.startswith(prefix):
                    yield found

    @contextmanager
    def open(self, key: str, version: str) -> Generator[BinaryIO, None, None]:
        """See ProjectIngest. Raises SourceError at the end if the file was written to meanwhile.

        Replacing the file by another does not disturb the reader. Nor does a change of links or
        permissions alone, which the next look takes for a new version.
        """
        parts = check_delivered(self._layout, self.project, key)
        descriptor = _open(self._root, parts)
        try:
            _check(descriptor, key, version, "is not the version that arrived")
            os.set_blocking(descriptor, True)
            with os.fdopen(descriptor, "rb", closefd=False) as reader:
                yield reader
        except Exception as error:
            _check(descriptor, key, version, _REPLACED, error)
            raise
        else:
            _check(descriptor, key, version, _REPLACED)
        finally:
            os.close(descriptor)

    def fetch(self, key: str, version: str, into: Path) -> None:
        try:
            with self.open(key, version) as source, meaning(str(into)), into.open("wb") as copy:
                shutil.copyfileobj(source, copy, _PIECE_BYTES)
        except BaseException:
            into.unlink(missing_ok=True)
            raise

    def uri(self, key: str) -> str:
        return self._root.joinpath(*check_delivered(self._layout, self.project, key)).as_uri()

    def console_url(self, key: str) -> str | None:
        check_delivered(self._layout, self.project, key)
        return None

    def presigned(self, key: str, seconds: int) -> str:
        """Return the `file:` address, which never expires."""
        check_lifetime(key, seconds)
        return self.uri(key)


class FolderOutputs:
    """Where results are published. `clock` gives seconds since the epoch."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self._root = root.absolute()
        self._incoming = Incoming(self._root, clock)

    def project(self, project: str) -> "FolderProjectOutputs":
        return FolderProjectOutputs(self._root, checked_project(project), self._incoming)


class FolderProjectOutputs:
    """One project's results."""

    def __init__(self, root: Path, project: str, incoming: Incoming) -> None:
        self._root, self.project, self._incoming = root, project, incoming

    def writer(self, key: str, media_type: str = OCTET_STREAM) -> AbstractContextManager[BinaryIO]:
        """See ProjectOutputs. A file has no media type."""
        return self._incoming.writer(check_published(self.project, key))

    @contextmanager
    def open(self, key: str) -> Generator[BinaryIO, None, None]:
        """See ProjectOutputs. Replacing the object does not disturb the reader."""
        parts = check_published(self.project, key)
        with meaning(key):
            descriptor = beneath.open_file(self._root, parts)
        try:
            with meaning(key):
                reader = os.fdopen(descriptor, "rb", closefd=False)
            yield reader
        finally:
            os.close(descriptor)

    def stat(self, key: str) -> StoredObject | None:
        parts = check_published(self.project, key)
        with meaning(key):
            return beneath.look(self._root, parts)

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        parts = published_prefix(self.project, prefix)
        with meaning(prefix):
            yield from (found for found in walk(self._root, parts) if found.key.startswith(prefix))

    def delete(self, key: str) -> None:
        parts = check_published(self.project, key)
        with (
            meaning(key),
            suppress(FileNotFoundError, NotADirectoryError),
            beneath.folder(self._root, parts[:-1]) as folder,
        ):
            os.unlink(parts[-1], dir_fd=folder)

    def uri(self, key: str) -> str:
        return self._root.joinpath(*check_published(self.project, key)).as_uri()

    def console_url(self, key: str) -> str | None:
        check_published(self.project, key)
        return None

    def presigned(self, key: str, seconds: int) -> str:
        """Return the `file:` address, which never expires."""
        return self._root.joinpath(*check_handed_out(self.project, key, seconds)).as_uri()


def _open(root: Path, parts: tuple[str, ...]) -> int:
    try:
        return beneath.open_file(root, parts)
    except (FileNotFoundError, NotADirectoryError) as error:
        _check_there(root)
        raise SourceGone("is gone", where="/".join(parts), remedy=_PUT_AGAIN) from error
    except PermissionError as error:
        raise StorageError(
            "may not be read",
            where="/".join(parts),
            remedy="Grant the pipeline's user permission to read it.",
        ) from error
    except OSError as error:
        raise SourceError("is no plain file", where="/".join(parts), remedy=_PUT_AGAIN) from error


def _check_there(root: Path) -> None:
    """Raise StorageUnavailable if the whole folder is empty or away, as one that is not mounted."""
    if not (root.is_dir() and any(root.iterdir())):
        raise StorageUnavailable(
            "the ingest folder is empty or away, although videos were delivered",
            where=str(root),
            remedy="Mount it, or put the videos back; then run the phase again.",
        )


def _check(
    descriptor: int, key: str, version: str, what: str, cause: Exception | None = None
) -> None:
    found = beneath.describe(key, os.fstat(descriptor))
    if found.form != "file":
        raise SourceError("is no plain file", where=key, remedy=_PUT_AGAIN)
    if beneath.written(found.version) != beneath.written(version):
        raise SourceError(
            what, where=key, remedy="Wait: the newer version is processed automatically."
        ) from cause
