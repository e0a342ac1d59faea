"""The resource through which steps and sensors reach the deployment: stores, catalogue, media.

A run opens it at its first step and closes it at its end. Sensors live in the code server: they
share what is kept open there, until pipeline.yaml changes or the process ends.
"""

import atexit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from video_pipeline.catalog.connection import RUN_SECONDS
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings, load_settings
from video_pipeline.wiring import open_services

if TYPE_CHECKING:
    from video_pipeline.storage.s3.clients import AwsClients


class Deployment:
    """The services that one pipeline.yaml describes, opened at their first use. A run waits for a
    catalogue that restarts; a sensor tells at once, and looks again at its next tick."""

    def __init__(
        self, file: Path, clients: "AwsClients | None" = None, patience_seconds: float = 0
    ) -> None:
        self._file, self._stack, self._patience = file, ExitStack(), patience_seconds
        self.clients = clients
        """Of S3 and the services beside it, such as SQS; None for a deployment in folders."""
        self._settings: Settings | None = None
        self._services: Services | None = None

    @property
    def services(self) -> Services:
        """The open services. Raises ConfigurationError, StorageError, CatalogError."""
        if self._services is None:
            self._settings = load_settings(self._file)
            opened = open_services(
                self._settings, clients=self.clients, patience_seconds=self._patience
            )
            self._services = self._stack.enter_context(opened)
        return self._services

    @property
    def settings(self) -> Settings:
        """The settings as the file says now. Raises ConfigurationError."""
        return load_settings(self._file)

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
            yield _kept(self.file, self._reached_by())
            return
        deployment = Deployment(Path(self.file), self._reached_by(), RUN_SECONDS)
        try:
            yield deployment
        finally:
            deployment.close()

    def _reached_by(self) -> "AwsClients | None":
        """The clients that reach the buckets, where there are any."""
        return None


class BucketsResource(PipelineResource):
    """The same with buckets, which the resource `s3` reaches."""

    s3: dg.ResourceDependency[Any]

    def _reached_by(self) -> "AwsClients | None":
        return self.s3


def pipeline_resources(settings: Settings) -> dict[str, object]:
    """The deployment by its resource key and, for one in buckets, what reaches them."""
    file = str(settings.file)
    if not settings.storage.has_buckets:
        return {"pipeline": PipelineResource(file=file)}
    # A deployment in folders does without the second that loading AWS's library takes.
    from video_pipeline.defs.resources.s3 import s3_resource

    s3 = s3_resource(settings.storage)
    return {"s3": s3, "pipeline": BucketsResource(file=file, s3=s3)}


@cache
def _kept(file: str, clients: "AwsClients | None") -> Deployment:
    deployment = Deployment(Path(file), clients)
    atexit.register(deployment.close)
    return deployment
