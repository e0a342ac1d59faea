"""Dagster's webserver in the test's process, on the test's own instance.

It serves real GraphQL over HTTP, without the seconds that separate processes take to start.
"""

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg
import uvicorn
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster_webserver.app import create_app_from_workspace_process_context

_SECONDS = 30


@contextmanager
def webserver_here(instance: dg.DagsterInstance) -> Generator[str, None, None]:
    """Start a webserver with the project's definitions, and yield its address."""
    target = LoadableTargetOrigin(
        executable_path=sys.executable, module_name="video_pipeline.definitions"
    )
    origin = InProcessCodeLocationOrigin(target, location_name="video_pipeline")
    workspace = InProcessWorkspaceLoadTarget([origin])
    with WorkspaceProcessContext(instance, workspace) as context:
        app = create_app_from_workspace_process_context(context)
        with _served(app) as port:
            yield f"http://127.0.0.1:{port}"


@contextmanager
def _served(app: object) -> Generator[int, None, None]:
    config = uvicorn.Config(app, "127.0.0.1", 0, log_level="warning")  # pyright: ignore
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + _SECONDS
        while not server.started:
            assert thread.is_alive() and time.monotonic() < until, "the webserver does not start"
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
