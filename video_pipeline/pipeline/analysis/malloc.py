"""How a process that analyses keeps memory between two uses of it.

Networks and decoders ask for the same large blocks again and again. By default glibc gives each
back to the system at once, which clears it page by page when it is asked for again: a sixth of
the time of a transcription. Kept, such a process holds about a quarter more memory at its peak.
"""

import ctypes
import sys
from functools import cache

# glibc, malloc/malloc.h, and mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8
_SPARE_BYTES = 256 << 20
"""What may lie free at the end of the heap before it is given back."""


@cache
def keep_between_uses() -> bool:
    """Let this process keep what it frees, from now on; False where there is no glibc.

    To be called before the process has threads: those it has keep heaps of their own.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    # One heap for all threads: others cannot hold blocks beyond 64 MB.
    taken = [
        set_option(_M_MMAP_MAX, 0),
        set_option(_M_TRIM_THRESHOLD, _SPARE_BYTES),
        set_option(_M_ARENA_MAX, 1),
    ]
    return all(taken)
