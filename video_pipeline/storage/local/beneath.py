"""Reaching files below a root folder, one path part at a time, so that no link leads out.

Everything works on descriptors of folders: what was checked is what is used. Errors are the
operating system's own; the store that calls gives them their meaning.
"""

import os
import stat
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from video_pipeline.storage.store import StoredObject

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BELOW = _FOLDER | os.O_NOFOLLOW
# A FIFO without a writer would block the opening for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@contextmanager
def folder(root: Path, parts: Sequence[str], *, create: bool = False) -> Generator[int, None, None]:
    """A descriptor of the folder `parts` below the root. Raises OSError, also for a link."""
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
    """A new descriptor of one folder within another. Raises OSError, also for a link."""
    return os.open(name, _BELOW, dir_fd=parent)


def _make(parent: int, name: str) -> int:
    with suppress(FileNotFoundError):
        return enter(parent, name)
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)
        os.fsync(parent)
    return enter(parent, name)


def open_file(root: Path, parts: Sequence[str]) -> int:
    """A descriptor for reading whatever is there; look at its form before reading from it.

    Raises OSError, also for a link.
    """
    with folder(root, parts[:-1]) as parent:
        return os.open(parts[-1], _FILE, dir_fd=parent)


def look(root: Path, parts: Sequence[str]) -> StoredObject | None:
    """The object at these parts now; None where there is none, or only a folder."""
    try:
        with folder(root, parts[:-1]) as parent:
            found = os.stat(parts[-1], dir_fd=parent, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if stat.S_ISDIR(found.st_mode) else describe("/".join(parts), found)


def describe(key: str, found: os.stat_result) -> StoredObject:
    """An object from what the file system says of it.

    Its version is made of size, time of writing and inode: a file replaced by another of the same
    size and time is another version.
    """
    version = f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"
    return StoredObject(key=key, size=found.st_size, version=version, form=_form(found.st_mode))


def _form(mode: int) -> Literal["file", "symlink", "other"]:
    if stat.S_ISREG(mode):
        return "file"
    return "symlink" if stat.S_ISLNK(mode) else "other"
