"""`up`, and the processes of a deployment: catalogue server, code server, webserver, daemon."""

import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import typer
from pydantic import SecretStr

from video_pipeline.catalog.connection import connect
from video_pipeline.cli.access import Port, settings_of
from video_pipeline.cli.console import out
from video_pipeline.cli.server.code_server import (
    CodeServer,
    code_server_command,
    write_workspace,
)
from video_pipeline.cli.server.code_watch import watching
from video_pipeline.cli.server.dagster_home import exclusive, prepare
from video_pipeline.cli.server.ports import LOOPBACK, port_to_use
from video_pipeline.cli.server.processes import Processes
from video_pipeline.cli.server.watch import Part, look_after
from video_pipeline.dagster_api.health import load_error
from video_pipeline.domain.errors import ConfigurationError, UpgradeBlocked
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.settings import Settings
from video_pipeline.settings.load import WEBSERVER, inherited
from video_pipeline.wiring import catalog_server, embedded_server

CODE, WEB, DAEMON = "code-server", "webserver", "daemon"
_READY_SECONDS = 120.0
# A look costs 5 CPU-ms: it asks MongoDB whether it accepts writes.
_LOOK_SECONDS = 2.0
# How long `up` waits for the runs of an earlier version.
_UPGRADE_SECONDS = 12 * 3600.0


@dataclass(frozen=True)
class Deployment:
    """A running deployment. `settings` name the catalogue server that it uses."""

    settings: Settings
    url: str
    look_after: Callable[[], None]
    """Brings back what has ended, and waits for what stands still. To be called every 2 s."""


@contextmanager
def deployed(settings: Settings, port: int | None = None) -> Generator[Deployment, None, None]:
    """Start all processes, and stop them when the block ends.

    Raises ConfigurationError or CatalogError, with the last log lines of what did not start.
    """
    port = port_to_use(port)
    url = f"http://{LOOPBACK}:{port}"
    with ExitStack() as stack:
        stack.enter_context(exclusive(settings, url))
        mongodb = stack.enter_context(catalog_server(settings))
        await_upgrade(settings, mongodb)
        environment = {**inherited(settings, mongodb), WEBSERVER: url}
        # Others may use it still. Its last user ends it.
        mongod = embedded_server(settings).pid
        processes = stack.enter_context(Processes(settings.logs, environment, mongod, CODE))
        # A folder of this user only, with a short name: a socket's address has at most 104 bytes.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="video-pipeline-"))
        prepare(settings, processes)
        _start(settings, processes, port, Path(folder) / "code.sock")
        _await_ready(url, processes)
        catalog = settings.catalog.model_copy(update={"uri": SecretStr(mongodb)})
        look = partial(look_after, parts_of(settings, processes), processes.reap)
        yield Deployment(settings.model_copy(update={"catalog": catalog}), url, look)


def await_upgrade(
    settings: Settings, mongodb: str, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Create or upgrade the catalogue, once the runs of an earlier version have ended.

    Raises CatalogError if it cannot be upgraded, or after hours if such runs are still at work.
    """
    deadline, shown = time.monotonic() + _UPGRADE_SECONDS, ""
    with closing(connect(mongodb, settings.catalog.database)) as catalog:
        while True:
            try:
                catalog.projects()
                return
            except UpgradeBlocked as error:
                if time.monotonic() > deadline:
                    raise
                if error.what != shown:
                    out.print(f"Waiting before the upgrade: {error.what}.", markup=False)
                shown = error.what
            sleep(1)


def parts_of(
    settings: Settings, processes: Processes, clock: Callable[[], float] = time.monotonic
) -> list[Part]:
    """Return what is brought back: Dagster's processes, and the embedded MongoDB if it is used."""
    keepers = {f"The {name}": partial(processes.keep, name) for name in (WEB, DAEMON)}
    keepers = {f"The {CODE}": CodeServer(processes, CODE).keep, **keepers}
    if not settings.catalog.uri:
        keepers = {"MongoDB": partial(_keep_mongodb, settings), **keepers}
    return [Part(name, keep, clock=clock) for name, keep in keepers.items()]


def _keep_mongodb(settings: Settings) -> None:
    with catalog_server(settings):
        pass


def _start(settings: Settings, processes: Processes, port: int, socket: Path) -> None:
    """Start the code server, and what asks it when it listens."""
    workspace = settings.project_file("workspace.yaml")
    folder = workspace.parent
    processes.start(CODE, [sys.executable, "-m", *code_server_command(socket)], folder)
    _await(socket.exists, processes, CODE)
    # The second file replaces the location of the same name.
    locations = ["-w", str(workspace), "-w", str(write_workspace(settings, socket))]
    web = watching("dagster_webserver", "-h", LOOPBACK, "-p", str(port), *locations)
    processes.start(WEB, [sys.executable, *web], folder)
    daemon = watching("dagster._daemon", "run", *locations)
    processes.start(DAEMON, [sys.executable, *daemon], folder)


def _await(there: Callable[[], bool], processes: Processes, name: str) -> None:
    """Wait for a process. Raises ConfigurationError if one has ended, or after 120 s."""
    deadline = time.monotonic() + _READY_SECONDS
    while not there():
        processes.check()
        if time.monotonic() > deadline:
            raise ConfigurationError(
                f"Dagster's {name} has not answered for {_READY_SECONDS:g} s",
                where=str(processes.log(name)),
                remedy="Read its log. `video-pipeline doctor` may help.",
            )
        time.sleep(0.2)


def _await_ready(url: str, processes: Processes) -> None:
    _await(lambda: load_error(url) is not None, processes, WEB)
    wrong = load_error(url)
    if wrong:
        raise ConfigurationError(
            f"Dagster cannot load the definitions: {wrong}",
            where=str(processes.log(WEB)),
            remedy="Fix what the message names, then start again.",
        )


def keep_open(deployment: Deployment, sleep: Callable[[float], None] = time.sleep) -> None:
    """Look after the deployment until Ctrl-C."""
    try:
        while True:
            deployment.look_after()
            sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        return


def look_first(url: str, key: VideoKey | None = None) -> str:
    """Return three lines: the pages to look at first, for all projects, a project, a video.

    With a key they open that project and video. Without it the page offers a choice.
    """
    project = f"&partition={key.project}" if key else ""
    video = f"&partition={quote(str(key), safe='')}" if key else ""
    return "\n".join(
        (
            f"Look first at all projects: {url}/assets/overview",
            f"then at one project: {url}/assets/project?view=partitions{project}",
            f"then at one video: {url}/assets/timeline?view=partitions{video}",
        )
    )


def up(context: typer.Context, port: Port = None) -> None:
    """Start the catalogue, Dagster's web interface and daemon, and bring back what ends.

    Ctrl-C stops them.
    """
    settings = settings_of(context)
    with deployed(settings, port) as deployment:
        ingest = settings.storage.ingest
        out.print(f"Dagster's web interface: {deployment.url}", soft_wrap=True)
        out.print(f"Put videos into: {ingest.bucket or ingest.folder}", soft_wrap=True)
        out.print(f"as {settings.storage.layout.told}. Ctrl-C ends everything.", markup=False)
        out.print(look_first(deployment.url), markup=False, soft_wrap=True)
        keep_open(deployment)
