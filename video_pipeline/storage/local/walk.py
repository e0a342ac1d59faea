"""Listing of the files below a folder in key order, without following links."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from video_pipeline.storage.local import beneath
from video_pipeline.storage.store import StoredObject

# Levels of folders that are entered.
DEEPEST = 32


def walk(root: Path, parts: Sequence[str], after: str = "") -> Iterator[StoredObject]:
    """Yield every file below the folder `parts` with a key greater than `after`, in key order.

    Memory holds the names of one folder for each level. Files deleted meanwhile are skipped. What
    no key can reach is yielded with its form: see `store.Form`. Raises OSError.
    """
    with suppress(FileNotFoundError, NotADirectoryError), beneath.folder(root, parts) as top:
        yield from _below(top, "".join(f"{part}/" for part in parts), after, DEEPEST)


@dataclass(frozen=True, slots=True, order=True)
class _Entry:
    """A name in a folder. `place` has the slash of a folder, so that entries sort as their keys."""

    place: str
    name: str
    is_folder: bool

    @property
    def is_text(self) -> bool:
        return self.place.removesuffix("/") == self.name


def _below(folder: int, prefix: str, after: str, levels: int) -> Iterator[StoredObject]:
    for entry in _entries(folder):
        place = prefix + entry.place
        if place <= after and not (entry.is_folder and after.startswith(place)):
            continue
        below = _entered(folder, entry) if levels else None
        if below is not None:
            try:
                yield from _below(below, place, after, levels - 1)
            finally:
                os.close(below)
        elif place > after:
            yield from _found(folder, entry, place)


def _entries(folder: int) -> list[_Entry]:
    with os.scandir(folder) as entries:
        return sorted(_entry(entry) for entry in entries)


def _entry(entry: "os.DirEntry[str]") -> _Entry:
    is_folder = entry.is_dir(follow_symlinks=False)
    shown = os.fsencode(entry.name).decode(errors="backslashreplace")
    return _Entry(shown + "/" * is_folder, entry.name, is_folder)


def _entered(parent: int, entry: _Entry) -> int | None:
    if not entry.is_folder or not entry.is_text:
        return None
    try:
        return beneath.enter(parent, entry.name)
    except OSError:
        return None


def _found(parent: int, entry: _Entry, key: str) -> Iterator[StoredObject]:
    try:
        status = os.stat(entry.name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return
    except PermissionError:
        yield StoredObject(key=key, size=0, version="", form="closed")
        return
    found = beneath.describe(key, status)
    yield found if entry.is_text else found.model_copy(update={"form": "undecodable"})
