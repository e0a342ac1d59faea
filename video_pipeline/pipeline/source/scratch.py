"""The scratch folder of a run, deleted when the run ends or, after a kill, by the next run.

It enforces the quota on copies; their purpose is not its concern.
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

# The subfolder for the copy of the source.
COPIES = "source"
_PREFIX = "analysis-"
_AT_ONCE = fcntl.LOCK_EX | fcntl.LOCK_NB
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def run_folder(scratch: Path) -> Generator[Path, None, None]:
    """Make a folder for one run, after deleting the folders of dead runs.

    A run holds a lock on its folder, which ends with its process.
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
    """Make a sparse file of this size. Raises StorageFull if all copies would exceed the quota."""
    with _turn(scratch):
        taken = sum(map(_copied, scratch.glob(f"{_PREFIX}*")))
        if taken + size > quota:
            raise StorageFull(
                f"a copy of {size:,} bytes beside {taken:,} exceeds the quota of {quota:,}",
                where=str(scratch),
                remedy="Raise storage.scratch_bytes in pipeline.yaml or lower the number of "
                "concurrent runs, then run it again.",
            )
        file.parent.mkdir(exist_ok=True)
        with file.open("wb") as reserved:
            reserved.truncate(size)


def _copied(folder: Path) -> int:
    """Return the bytes of a run's copies: 0 if the run is just ending."""
    try:
        return sum(copy.stat().st_size for copy in (folder / COPIES).iterdir())
    except FileNotFoundError:
        return 0


@contextmanager
def full_disk_is_reported(folder: Path) -> Generator[None, None, None]:
    """Raise StorageFull if a write to a run's folder fails for lack of space."""
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
    """Exclude other processes and threads."""
    turn = _locked(scratch, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(turn)


def _locked(folder: Path, how: int) -> int:
    """Return a descriptor of the folder that holds its lock. Raises OSError."""
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
            continue  # its run is alive, or another run is deleting it
        shutil.rmtree(folder, ignore_errors=True)
