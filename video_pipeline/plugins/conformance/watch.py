"""Watches, for the conformance suite, what files and addresses this process touches."""

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
    """What is touched within the block, as audit events with their first argument."""
    _install()
    seen: list[str] = []
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.pop()


@cache
def _install() -> None:
    """An audit hook cannot be taken away again: one is enough."""
    sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event in _TOUCHES:
        _watching[-1].append(f"{event} {arguments[:1]}")
