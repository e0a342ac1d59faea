"""Watches which files and addresses this process touches, for the conformance suite."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache

_TOUCHES = frozenset(
    {"open", "os.listdir", "os.mkdir", "os.remove", "os.rename", "socket.connect"}
    | {"socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system"}
)
_watching: list[list[str]] = []


@contextmanager
def touched_within() -> Generator[list[str], None, None]:
    """Yield the list of what the block touches: audit events with their first argument."""
    _install()
    seen: list[str] = []
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.pop()


@cache
def _install() -> None:
    """Install the audit hook once: it cannot be removed again."""
    sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event in _TOUCHES:
        _watching[-1].append(f"{event} {arguments[:1]}")
