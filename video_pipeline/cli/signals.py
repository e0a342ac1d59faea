"""The signals that end a command: Ctrl-C, SIGTERM and a closed terminal."""

import contextlib
import signal
from collections.abc import Generator

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_tidily() -> None:
    """Turn each ending signal into a KeyboardInterrupt, so that every block cleans up.

    A closed terminal stays ignored under `nohup`.
    """
    for number in ENDING:
        if not (number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN):
            signal.signal(number, signal.default_int_handler)


@contextlib.contextmanager
def undisturbed() -> Generator[None, None, None]:
    """Ignore the ending signals while the block cleans up."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
