"""The resource through which steps and sensors reach the deployment: stores, catalogue, media.

A run opens it at its first step and closes it at its end. Sensors live in the code server: they
share what is kept open there, until pipeline.yaml changes or the process ends.
"""

import atexit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import dagster as dg

from video_pipeline.catalog.connection import RUN_SECONDS
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings, load_settings
from video_pipeline.wiring import open_services


class Deployment:
    """The services that one pipeline.yaml describes, opened at their first use. A run waits for a
    catalogue that restarts; a sensor tells at once, and looks again at its next tick."""

    def __init__(self, file: Path, patience_seconds: float = 0) -> None:
        self._file, self._stack, self._patience = file, ExitStack(), patience_seconds
        self._settings: Settings | None = None
        self._services: Services | None = None

    @property
    def services(self) -> Services:
        """The open services. Raises ConfigurationError, StorageError, CatalogError."""
        if self._services is None:
            self._settings = load_settings(self._file)
            opened = open_services(self._settings, patience_seconds=self._patience)
            self._services = self._stack.enter_context(opened)
        return self._services

    def renew(self) -> None:
        """Close what is open where the configuration has changed since."""
        if self._settings is not None and self._settings != load_settings(self._file):
            self.close()

    def close(self) -> None:
        """Close what is open; the next use opens it again."""
        self._services = None
        self._stack.close()


class PipelineResource(dg.ConfigurableResource[Deployment]):
    """Storage, catalogue and media as pipeline.yaml says when the run starts."""

    file: str
    """The pipeline.yaml that is read."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Deployment]:
        """The deployment of a run; outside of runs, the one kept for this process."""
        if context.run is None:
            yield _kept(self.file)
            return
        deployment = Deployment(Path(self.file), RUN_SECONDS)
        try:
            yield deployment
        finally:
            deployment.close()


@cache
def _kept(file: str) -> Deployment:
    deployment = Deployment(Path(file))
    atexit.register(deployment.close)
    return deployment
