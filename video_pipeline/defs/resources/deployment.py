"""The resource `pipeline`: the deployment's stores, catalogue and media.

A run opens it at its first step and closes it at its end. Sensors share one in the code server,
until pipeline.yaml changes or the process ends.
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
    """The services of one pipeline.yaml, opened at their first use.

    `patience_seconds` bounds the wait for a catalogue that restarts. A run waits; a sensor fails
    at once and retries at its next tick.
    """

    def __init__(
        self, file: Path, clients: "AwsClients | None" = None, patience_seconds: float = 0
    ) -> None:
        self._file, self._stack, self._patience = file, ExitStack(), patience_seconds
        # Of S3 and the services beside it, such as SQS. None for a deployment in folders.
        self.clients = clients
        self._settings: Settings | None = None
        self._services: Services | None = None

    @property
    def services(self) -> Services:
        """Return the open services. Raises ConfigurationError, StorageError, CatalogError."""
        if self._services is None:
            self._settings = load_settings(self._file)
            opened = open_services(
                self._settings, clients=self.clients, patience_seconds=self._patience
            )
            self._services = self._stack.enter_context(opened)
        return self._services

    @property
    def settings(self) -> Settings:
        """Return the present settings of the file. Raises ConfigurationError."""
        return load_settings(self._file)

    def renew(self) -> None:
        """Close the services if the configuration has changed since they were opened."""
        if self._settings is not None and self._settings != load_settings(self._file):
            self.close()

    def close(self) -> None:
        """Close the services; the next use opens them again."""
        self._services = None
        self._stack.close()


class PipelineResource(dg.ConfigurableResource[Deployment]):
    """Storage, catalogue and media as pipeline.yaml says when the run starts."""

    # The path of pipeline.yaml.
    file: str

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Deployment]:
        """Yield the deployment of a run; outside of runs, the one that this process shares."""
        if context.run is None:
            yield _shared(self.file, self._clients())
            return
        deployment = Deployment(Path(self.file), self._clients(), RUN_SECONDS)
        try:
            yield deployment
        finally:
            deployment.close()

    def _clients(self) -> "AwsClients | None":
        """Return the clients of the buckets, or None for a deployment in folders."""
        return None


class BucketsResource(PipelineResource):
    """The same for a deployment in buckets, with the clients of the resource `s3`."""

    s3: dg.ResourceDependency[Any]

    def _clients(self) -> "AwsClients | None":
        return self.s3


def pipeline_resources(settings: Settings) -> dict[str, object]:
    """Return the resource `pipeline` and, for a deployment in buckets, `s3`."""
    file = str(settings.file)
    if not settings.storage.has_buckets:
        return {"pipeline": PipelineResource(file=file)}
    # Importing AWS's library takes a second, which a deployment in folders saves.
    from video_pipeline.defs.resources.s3 import s3_resource

    s3 = s3_resource(settings.storage)
    return {"s3": s3, "pipeline": BucketsResource(file=file, s3=s3)}


@cache
def _shared(file: str, clients: "AwsClients | None") -> Deployment:
    deployment = Deployment(Path(file), clients)
    atexit.register(deployment.close)
    return deployment
