"""A double as a program, which prints its endpoint as a line of JSON."""

import argparse
import json
import os
import signal
import sys
import threading
from types import FrameType

from video_pipeline.testing.server import DoubleServer
from video_pipeline.testing.service import Service


def told_settings(program: str, description: str | None) -> tuple[str, bool]:
    """Return the command line's settings, as JSON, and whether to end with standard input."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--settings", default="{}", help="settings as JSON, as `Settings` has them")
    parser.add_argument("--until-stdin-closes", action="store_true")
    chosen = parser.parse_args()
    return chosen.settings, chosen.until_stdin_closes


def serve(service: Service, until_stdin_closes: bool) -> None:
    """Serve until SIGTERM or SIGINT, or until standard input ends."""
    server = DoubleServer(service)
    done = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        done.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    if until_stdin_closes:
        threading.Thread(target=_watch, args=(done,), daemon=True).start()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    sys.stdout.write(json.dumps({"endpoint": server.endpoint}) + "\n")
    sys.stdout.flush()
    done.wait()
    server.close()


def _watch(done: threading.Event) -> None:
    while os.read(0, 1024):  # not by sys.stdin, whose lock would outlive this thread
        pass
    done.set()
