"""The processes that descend from this one, and from those whose parents have ended (Linux)."""

import ctypes
import os
import sys
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on a descendant whose parent ends becomes a child of this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def descendants() -> set[int]:
    """The ids of all living descendants; none where the system has no /proc."""
    children: dict[int, set[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        pid, parent, state = _stat(entry)
        if state != "Z":
            children.setdefault(parent, set()).add(pid)
    found: set[int] = set()
    fresh = {os.getpid()}
    while fresh:
        fresh = {pid for parent in fresh for pid in children.get(parent, ())} - found
        found |= fresh
    return found


def _stat(entry: Path) -> tuple[int, int, str]:
    try:
        text = entry.read_text()
    except OSError:
        return 0, 0, "Z"
    # The name, in parentheses, may itself hold blanks and parentheses.
    state, parent = text[text.rindex(")") + 2 :].split()[:2]
    return int(entry.parent.name), int(parent), state
