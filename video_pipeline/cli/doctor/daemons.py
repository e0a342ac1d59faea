"""How many of Dagster's daemons work in one home: there must be one, and Dagster only logs it."""

from collections.abc import Iterator
from pathlib import Path

from video_pipeline.cli.doctor.finding import Finding
from video_pipeline.settings import Settings


def daemons(settings: Settings) -> Iterator[Finding]:
    """A warning where several processes on this machine are daemons of this home (Linux)."""
    home = f"DAGSTER_HOME={settings.dagster_home}".encode()
    found = sorted(pid for pid, process in _processes() if _is_daemon(process, home))
    if len(found) > 1:
        told = f"{len(found)} daemons work in {settings.dagster_home}: {', '.join(map(str, found))}"
        remedy = "End all but one: work is looked up twice, though nothing is paid twice."
        yield Finding("daemon", "warning", told, remedy)
    elif found:
        yield Finding("daemon", "ok", f"process {found[0]}")


def _processes() -> Iterator[tuple[int, Path]]:
    return ((int(entry.name), entry) for entry in Path("/proc").glob("[0-9]*"))


def _is_daemon(process: Path, home: bytes) -> bool:
    try:
        words = process.joinpath("cmdline").read_bytes().split(b"\0")
        environment = process.joinpath("environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return False
    named = any(b"dagster-daemon" in word or b"dagster._daemon" in word for word in words)
    return named and b"run" in words and home in environment
