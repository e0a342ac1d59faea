"""The signals that end a command: Ctrl-C, a closed terminal, a polite kill."""

import contextlib
import signal
from collections.abc import Generator

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_tidily() -> None:
    """From now on each of them is a KeyboardInterrupt, so that every block clears up.

    Where `nohup` has asked that a closed terminal be ignored, it is.
    """
    for number in ENDING:
        if not (number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN):
            signal.signal(number, signal.default_int_handler)


@contextlib.contextmanager
def undisturbed() -> Generator[None, None, None]:
    """A second Ctrl-C does not stop the clearing up."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
