"""Runs a program that ends with its parent process: `python leash.py PARENT COMMAND...`.

It runs as a script, so it imports nothing of this package.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Become the command, which gets SIGTERM when `parent` ends (Linux).

    A shell starts a background job with SIGINT ignored. Dagster's programs would inherit that, and
    some of them end at no other signal.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent:
        os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
