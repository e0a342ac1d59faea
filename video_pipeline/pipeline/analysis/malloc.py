"""The allocator of an analysing process keeps freed memory for its next use.

Networks and decoders allocate the same large blocks repeatedly. By default glibc returns each to
the system, which clears it page by page on the next use: a sixth of the time of a transcription.
Keeping them costs about a quarter more memory at the peak.
"""

import ctypes
import sys
from functools import cache

# glibc, malloc/malloc.h, and mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8
# Free memory at the end of the heap beyond which glibc returns it to the system.
_SPARE_BYTES = 256 << 20


@cache
def keep_between_uses() -> bool:
    """Make this process keep freed memory. Return False where there is no glibc.

    Call it before the process starts threads: existing threads keep heaps of their own.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    # One heap for all threads: others cannot hold blocks beyond 64 MB.
    accepted = [
        set_option(_M_MMAP_MAX, 0),
        set_option(_M_TRIM_THRESHOLD, _SPARE_BYTES),
        set_option(_M_ARENA_MAX, 1),
    ]
    return all(accepted)
