"""The signals that end a command let it clean up; `nohup` is respected."""

import signal
import subprocess
import sys

import pytest

COMMAND = """
import signal, sys, time
from video_pipeline.cli.signals import end_tidily
signal.signal(signal.SIGHUP, getattr(signal, sys.argv[1]))
end_tidily()
try:
    print("ready", flush=True)
    time.sleep(60)
finally:
    print("cleaned up", flush=True)
"""


def told(before: str, *sent: signal.Signals) -> str:
    """Return the output of a command that gets signals, with SIGHUP first handled as `before`."""
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, before],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as command:
        assert command.stdout and command.stdout.readline() == "ready\n"
        for number in sent:
            command.send_signal(number)
        return command.communicate(timeout=30)[0]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ending_signal_lets_a_command_clean_up(sent: signal.Signals) -> None:
    assert told("SIG_DFL", sent) == "cleaned up\n"


def test_closed_terminal_is_ignored_under_nohup() -> None:
    assert told("SIG_IGN", signal.SIGHUP, signal.SIGTERM) == "cleaned up\n"
