"""Scratch: a folder for the files of one run, gone with it, also where it was killed.

A folder is locked while it is used, and the system gives the locks of a killed process back: who
needs a folder next removes those that nobody holds.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from video_pipeline.domain.errors import StorageFull

PREFIX = "analysis-"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def scratch_folder(scratch: Path) -> Generator[Path]:
    """A new folder below `scratch`, removed with all that is in it."""
    for left in scratch.glob(f"{PREFIX}*"):
        _remove_unused(left)
    folder, lock = _locked(scratch)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextmanager
def room(folder: Path) -> Generator[None]:
    """Raise StorageFull where what is written to a scratch folder finds no room."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StorageFull(
            "no space or quota is left for scratch files",
            where=str(folder.parent),
            remedy="Free some space there, or set VIDEO_PIPELINE_HOME to a larger disk, "
            "then run it again.",
        ) from error


def _locked(scratch: Path) -> tuple[Path, int]:
    """A folder and the descriptor that locks it: another may remove it before it is locked."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=scratch, prefix=PREFIX))
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder, lock
        os.close(lock)


def _remove_unused(folder: Path) -> None:
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # it is used
    finally:
        os.close(lock)
