"""Dagster's home in the state folder: made ready for several processes, used by one deployment."""

import fcntl
import json
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version

from video_pipeline.cli.server.processes import Processes
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.settings import Settings
from video_pipeline.wiring import made


def prepare(settings: Settings, processes: Processes) -> None:
    """Put dagster.yaml into the home, and make its tables before several processes use it."""
    home = settings.dagster_home
    shutil.copyfile(settings.project_file("dagster.yaml"), home / "dagster.yaml")
    made_by = home / "made-by"
    if made_by.is_file() and made_by.read_text() == version("dagster"):
        return
    processes.run("dagster-migrate", [sys.executable, "-m", "dagster", "instance", "migrate"], home)
    made_by.write_text(version("dagster"))


@contextmanager
def alone(settings: Settings, url: str) -> Generator[None, None, None]:
    """Hold the home for one deployment. Raises ConfigurationError while another one runs."""
    home = settings.dagster_home
    with (made(home) / "in-use").open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                "it is running already",
                where=running_url(settings) or str(home),
                remedy="Use that one, or end it with Ctrl-C where it was started.",
            ) from error
        held.truncate(0)
        held.write(json.dumps({"url": url}))
        held.flush()
        try:
            yield
        finally:
            held.truncate(0)


def running_url(settings: Settings) -> str | None:
    """Where the deployment of this state folder shows its web interface, if it runs."""
    try:
        return json.loads((settings.dagster_home / "in-use").read_text())["url"]
    except (OSError, ValueError, LookupError, TypeError):
        # No deployment has ever run, none does now, or one was cut off while it wrote.
        return None
