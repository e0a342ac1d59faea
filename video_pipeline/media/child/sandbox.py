"""What the child takes from itself before it touches the media.

The child imports this, so it needs nothing but the standard library.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_DESCRIPTORS = 32


def die_with(parent: int) -> None:
    """Be killed when the thread that started this process ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It ended before the line above took effect.
        os._exit(1)


def confine(address_space_bytes: int, cpu_seconds: int) -> None:
    """Lower this process's limits for good: memory, processor time, no new bytes in any file."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _DESCRIPTORS)
    _lower(resource.RLIMIT_AS, address_space_bytes)
    # The soft limit sends SIGXCPU, which names the reason; a second later comes SIGKILL.
    _lower(resource.RLIMIT_CPU, cpu_seconds, spare=1)


def _lower(kind: int, value: int, spare: int = 0) -> None:
    _, ceiling = resource.getrlimit(kind)
    if ceiling == resource.RLIM_INFINITY:
        ceiling = value + spare
    resource.setrlimit(kind, (min(value, ceiling), min(value + spare, ceiling)))
