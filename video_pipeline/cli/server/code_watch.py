"""Runs a program of Dagster that asks the code server every 5 s whether it was reloaded.

Dagster's webserver and daemon each ask every second, through the code server's proxy. That was a
fifth of the CPU time of a deployment at rest: 6 ms a question.
"""

import runpy
import sys

_SECONDS = 5


def watching(module: str, *arguments: str) -> list[str]:
    """Return the arguments of python that run a module of Dagster."""
    return ["-m", __name__, module, *arguments]


def main() -> None:
    """Run the module that the arguments name."""
    # Verified with dagster 1.13.27, which has no setting for it. Ends when it has one.
    from dagster._grpc import server_watcher

    server_watcher.WATCH_INTERVAL = _SECONDS
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
