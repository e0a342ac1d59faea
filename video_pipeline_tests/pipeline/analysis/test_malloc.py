"""An analysing process keeps large blocks of memory between two uses."""

import subprocess
import sys

import pytest

_MEGABYTES = 64
_PROGRAM = f"""
import resource, sys, threading
from video_pipeline.pipeline.analysis.malloc import keep_between_uses

def faults(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        bytearray({_MEGABYTES} << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "keep":
    assert keep_between_uses() and keep_between_uses()
found = []
worker = threading.Thread(target=lambda: found.extend([faults(1), faults(10)]))
worker.start()
worker.join()
print(*found)
"""


def _faults(way: str) -> tuple[int, int]:
    """Return the page faults of the first use of a large block, and of the ten after it."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, way], capture_output=True, text=True, check=True
    )
    first, after = done.stdout.split()
    return int(first), int(after)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other allocators")
def test_keep_between_uses_faults_a_large_block_in_once() -> None:
    pages = (_MEGABYTES << 20) // (2 << 20)  # at least: the system may use huge pages
    first, after = _faults("keep")
    assert first >= pages
    assert after < pages

    _, after = _faults("give back")
    assert after >= 10 * pages
