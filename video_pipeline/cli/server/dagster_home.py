"""Dagster's home in the state folder, which one deployment uses at a time."""

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
from video_pipeline.wiring import ensure_folder


def prepare(settings: Settings, processes: Processes) -> None:
    """Copy dagster.yaml there, and create its tables before several processes use them."""
    home = settings.dagster_home
    shutil.copyfile(settings.project_file("dagster.yaml"), home / "dagster.yaml")
    made_by = home / "made-by"
    if made_by.is_file() and made_by.read_text() == version("dagster"):
        return
    processes.run("dagster-migrate", [sys.executable, "-m", "dagster", "instance", "migrate"], home)
    made_by.write_text(version("dagster"))


@contextmanager
def exclusive(settings: Settings, url: str) -> Generator[None, None, None]:
    """Hold the home for one deployment. Raises ConfigurationError while another one runs."""
    home = settings.dagster_home
    with (ensure_folder(home) / "in-use").open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                "the pipeline is already running",
                where=running_url(settings) or str(home),
                remedy="Use it there, or stop it with Ctrl-C in the terminal that started it.",
            ) from error
        held.truncate(0)
        held.write(json.dumps({"url": url}))
        held.flush()
        try:
            yield
        finally:
            held.truncate(0)


def running_url(settings: Settings) -> str | None:
    """Return the web address of the deployment that uses this state folder, if one does."""
    try:
        return json.loads((settings.dagster_home / "in-use").read_text())["url"]
    except (OSError, ValueError, LookupError, TypeError):
        # No deployment has ever run, none runs now, or one was killed while writing.
        return None
