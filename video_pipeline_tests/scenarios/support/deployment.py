"""Temporary deployments, tables and claims of the scenarios."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import dagster as dg
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from video_pipeline.catalog.server.embedded import EmbeddedServer
from video_pipeline.defs.partitions import PROJECTS_NAME, VIDEOS_NAME
from video_pipeline_tests.scenarios.support.commands import Commands
from video_pipeline_tests.servers.dagster_processes import dagster_processes
from video_pipeline_tests.servers.webserver import Webserver

_NONE: Mapping[str, str] = MappingProxyType({})


@contextlib.contextmanager
def temporary_deployment() -> Iterator[tuple[Path, str]]:
    """Make a temporary folder with a MongoDB. Yield the folder and the MongoDB's URI."""
    with tempfile.TemporaryDirectory(prefix="scenario-") as name:
        folder = Path(name)
        with EmbeddedServer(folder / "mongo") as uri:
            yield folder, uri


@contextlib.contextmanager
def dagster_deployment(
    folder: Path,
    uri: str,
    keys: Sequence[str],
    projects: Sequence[str] = (),
    environment: Mapping[str, str] = _NONE,
) -> Iterator[tuple[dg.DagsterInstance, Webserver, Commands]]:
    """Start Dagster for the folder's pipeline.yaml, with partitions of the videos and projects.

    Yields its instance, its webserver and the command line, which share one environment.
    """
    file = folder / "pipeline.yaml"
    variables = {
        **environment,
        "MONGODB_URI": uri,
        "VIDEO_PIPELINE_CONFIG": str(file),
        "VIDEO_PIPELINE_HOME": str(folder / "home"),
    }
    with dagster_processes(folder / "dagster", variables) as (instance, server):
        instance.add_dynamic_partitions(VIDEOS_NAME, list(keys))
        instance.add_dynamic_partitions(PROJECTS_NAME, list(projects))
        address = {"VIDEO_PIPELINE_WEBSERVER": server.address}
        yield instance, server, Commands(file, variables | address)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table of at most 140 columns."""
    table = Table(*columns, title=escape(title), title_justify="left")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    Console(width=140, soft_wrap=False).print(table)


class Claims:
    """The claims of a scenario, and whether each holds."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, bool, object]] = []

    def holds(self, what: str, holds: bool, seen: object) -> None:
        """Record a claim, and whether it holds."""
        self._rows.append((what, holds, seen))

    def equal(self, what: str, expected: object, seen: object) -> None:
        """Record the claim that a value is the expected one."""
        told = seen if expected == seen else f"{seen}, and not {expected}"
        self.holds(what, expected == seen, told)

    def verdict(self) -> int:
        """Print the claims, and return 0 if all hold."""
        rows = [(what, "yes" if holds else "NO", seen) for what, holds, seen in self._rows]
        print()
        print_table("Claims", ["claim", "holds", "seen"], rows)
        return 0 if all(holds for _, holds, _ in self._rows) else 1
