"""Finds several Dagster daemons in one home. There must be only one, and Dagster only logs it."""

from collections.abc import Iterator

import psutil

from video_pipeline.cli.doctor.finding import Finding
from video_pipeline.settings import Settings


def daemons(settings: Settings) -> Iterator[Finding]:
    """Warn when several processes on this machine are daemons of this Dagster home."""
    home = str(settings.dagster_home)
    found = sorted(process.pid for process in psutil.process_iter() if _is_daemon(process, home))
    if len(found) > 1:
        told = f"{len(found)} daemons work in {home}: {', '.join(map(str, found))}"
        remedy = "End all but one: work is looked up twice, though nothing is paid twice."
        yield Finding("daemon", "warning", told, remedy)
    elif found:
        yield Finding("daemon", "ok", f"process {found[0]}")


def _is_daemon(process: psutil.Process, home: str) -> bool:
    try:
        words = process.cmdline()
        named = any("dagster-daemon" in word or "dagster._daemon" in word for word in words)
        return named and "run" in words and process.environ().get("DAGSTER_HOME") == home
    except psutil.Error:  # it has ended, or belongs to another user
        return False
