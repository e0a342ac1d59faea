"""Putting a file into an ingest folder, whole or not at all."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from video_pipeline.domain.errors import StorageError

Put = Callable[[Path, Path], object]


def deliver(file: Path, target: Path, put: Put = shutil.copyfile) -> None:
    """Put a file where a video's own lies; there it is alone. Raises StorageError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _put_whole(file, target, put)
    except OSError as error:
        raise StorageError(
            f"{file} cannot be put there: {error.strerror}",
            where=str(target.parent),
            remedy="Look for a full disk, or for the right to write there.",
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
    """The same bytes without taking their room twice, where one file system holds both."""
    try:
        os.link(file, to)
    except OSError:
        shutil.copyfile(file, to)
