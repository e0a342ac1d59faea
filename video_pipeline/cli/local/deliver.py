"""Puts a file into an ingest folder atomically."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from video_pipeline.domain.errors import StorageError

Put = Callable[[Path, Path], object]


def deliver(file: Path, target: Path, put: Put = shutil.copyfile) -> None:
    """Make a file the only one in its video's folder. Raises StorageError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _put_whole(file, target, put)
    except OSError as error:
        raise StorageError(
            f"{file} cannot be copied into this folder: {error.strerror}",
            where=str(target.parent),
            remedy="Check that the disk has space and that you may write there.",
        ) from error


def _put_whole(file: Path, target: Path, put: Put) -> None:
    unfinished = target.with_name(f".{target.name}.part")
    unfinished.unlink(missing_ok=True)
    try:
        put(file, unfinished)
        for other in target.parent.iterdir():
            if other not in (unfinished, target):
                other.unlink()
        unfinished.replace(target)
    finally:
        # It is still there after a failure, or where both names are links to the same file.
        unfinished.unlink(missing_ok=True)


def link_or_copy(file: Path, to: Path) -> None:
    """Hard-link a file, or copy it where the file system cannot link it."""
    try:
        os.link(file, to)
    except OSError:
        shutil.copyfile(file, to)
