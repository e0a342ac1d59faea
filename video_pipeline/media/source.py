"""The file that a reader is handed: a plain one, opened by its own name."""

import os
import stat
from io import UnsupportedOperation
from pathlib import Path
from typing import BinaryIO

from video_pipeline.domain.errors import SourceError


def check_plain(source: BinaryIO) -> None:
    """Raise SourceError for anything but a plain file, opened by its own name."""
    try:
        mode = os.fstat(source.fileno()).st_mode
    except UnsupportedOperation as error:
        raise _not_plain(source, "has no descriptor") from error
    name = getattr(source, "name", None)
    if not stat.S_ISREG(mode):
        raise _not_plain(source, "is no plain file")
    if isinstance(name, str) and Path(name).is_symlink():
        raise _not_plain(source, "was opened by a symlink")


def _not_plain(source: BinaryIO, what: str) -> SourceError:
    return SourceError(
        f"the source {what}", where=name_of(source), remedy="Deliver the video as a plain file."
    )


def name_of(source: BinaryIO) -> str:
    """What errors call it: the file's name without its folder."""
    name = getattr(source, "name", None)
    return Path(name).name if isinstance(name, str) else "the source"
