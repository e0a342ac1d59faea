"""Access to files below a root folder, one path part at a time, so that no link leads out.

All steps use descriptors of folders, so that what was checked is what is used. Errors are the
operating system's; callers translate them.
"""

import os
import stat
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from video_pipeline.storage.store import Form, StoredObject

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BELOW = _FOLDER | os.O_NOFOLLOW
# Without O_NONBLOCK, opening a FIFO without a writer would block forever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@contextmanager
def folder(root: Path, parts: Sequence[str], *, create: bool = False) -> Generator[int, None, None]:
    """Open the folder `parts` below the root. Raises OSError, also for a link."""
    descriptor = os.open(root, _FOLDER)
    try:
        for part in parts:
            below = _make(descriptor, part) if create else enter(descriptor, part)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def enter(parent: int, name: str) -> int:
    """Open one folder within another. Raises OSError, also for a link."""
    return os.open(name, _BELOW, dir_fd=parent)


def _make(parent: int, name: str) -> int:
    with suppress(FileNotFoundError):
        return enter(parent, name)
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)
        os.fsync(parent)
    return enter(parent, name)


def open_file(root: Path, parts: Sequence[str]) -> int:
    """Open a file of any kind; check its form before reading. Raises OSError, also for a link."""
    with folder(root, parts[:-1]) as parent:
        return os.open(parts[-1], _FILE, dir_fd=parent)


def look(root: Path, parts: Sequence[str]) -> StoredObject | None:
    """Return the current object, or None if there is none or a folder."""
    try:
        with folder(root, parts[:-1]) as parent:
            found = os.stat(parts[-1], dir_fd=parent, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if stat.S_ISDIR(found.st_mode) else describe("/".join(parts), found)


def describe(key: str, found: os.stat_result) -> StoredObject:
    """Describe an object. Its version is what a write leaves behind, and the time of change.

    A write can restore size and modification time, but not the time of change. That also follows
    from a link or new permissions: the bytes are then read once more, and their hash decides.
    """
    written = f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"
    return StoredObject(
        key=key,
        size=found.st_size,
        version=f"{written}-{found.st_ctime_ns}",
        earlier_version=written,
        form=_form(found.st_mode),
    )


def written(version: str) -> str:
    """Return a version without the time of change, which earlier releases did not record."""
    return "-".join(version.split("-")[:3])


def _form(mode: int) -> Form:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "closed"
    return "symlink" if stat.S_ISLNK(mode) else "other"
