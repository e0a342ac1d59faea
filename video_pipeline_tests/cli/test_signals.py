"""Ctrl-C, a closed terminal and a polite kill let a command clear up; `nohup` is heeded."""

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
    print("cleared up", flush=True)
"""


def told(before: str, *sent: signal.Signals) -> str:
    """What a command says that is sent signals, where SIGHUP was treated so before."""
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
def test_each_of_them_lets_it_clear_up(sent: signal.Signals) -> None:
    assert told("SIG_DFL", sent) == "cleared up\n"


def test_under_nohup_a_closed_terminal_does_nothing() -> None:
    assert told("SIG_IGN", signal.SIGHUP, signal.SIGTERM) == "cleared up\n"
