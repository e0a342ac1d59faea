"""A run's own folder on this machine: removed with the run, or by the next one where it was killed.

What lies there and how much of it there may be is known here, not what it is for.
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

COPIES = "source"
"""The folder within a run's own that holds its copy of the source."""
_PREFIX = "analysis-"
_AT_ONCE = fcntl.LOCK_EX | fcntl.LOCK_NB
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def run_folder(scratch: Path) -> Generator[Path, None, None]:
    """A new folder for one run. Those of runs that are gone are removed first.

    A run holds a lock on its folder, which ends with it however it ends.
    """
    with _turn(scratch):
        _sweep(scratch)
        folder = Path(tempfile.mkdtemp(dir=scratch, prefix=_PREFIX))
        held = _locked(folder, _AT_ONCE)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def reserve(scratch: Path, file: Path, size: int, quota: int) -> None:
    """Make a file of this size, with holes, where all runs' copies together stay within the quota.

    Raises StorageFull.
    """
    with _turn(scratch):
        taken = sum(map(_copied, scratch.glob(f"{_PREFIX}*")))
        if taken + size > quota:
            raise StorageFull(
                f"a copy of {size:,} bytes beside {taken:,} is more than the quota of {quota:,}",
                where=str(scratch),
                remedy="Raise storage.scratch_bytes in pipeline.yaml, or let fewer runs work side "
                "by side; then run it again.",
            )
        file.parent.mkdir(exist_ok=True)
        with file.open("wb") as reserved:
            reserved.truncate(size)


def _copied(folder: Path) -> int:
    """Bytes of a run's copies. None are left of a run that ends just now."""
    try:
        return sum(copy.stat().st_size for copy in (folder / COPIES).iterdir())
    except FileNotFoundError:
        return 0


@contextmanager
def room(folder: Path) -> Generator[None, None, None]:
    """Raise StorageFull where what is written to a run's folder finds no room."""
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


@contextmanager
def _turn(scratch: Path) -> Generator[None, None, None]:
    """One process or thread at a time."""
    turn = _locked(scratch, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(turn)


def _locked(folder: Path, how: int) -> int:
    """A descriptor of the folder that holds its lock. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _sweep(scratch: Path) -> None:
    for folder in scratch.glob(f"{_PREFIX}*"):
        try:
            os.close(_locked(folder, _AT_ONCE))
        except OSError:
            continue  # its run goes on, or it is just being removed
        shutil.rmtree(folder, ignore_errors=True)
