"""The resource `pipeline`: the deployment's stores, catalogue and media.

A run opens it at its first step and closes it at its end. The sensors of a code server share one.
"""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from video_pipeline.catalog.connection import RUN_SECONDS
from video_pipeline.defs.resources.shared_services import SHARED, SharedServices
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings, load_settings
from video_pipeline.wiring import open_services

if TYPE_CHECKING:
    from video_pipeline.storage.s3.clients import AwsClients


class Deployment:
    """The services of a run, opened at their first use. They wait for a MongoDB that restarts."""

    def __init__(self, file: Path, clients: "AwsClients | None" = None) -> None:
        self._file, self._stack = file, ExitStack()
        # Of S3 and the services beside it, such as SQS. None for a deployment in folders.
        self.clients = clients
        self._services: Services | None = None

    @property
    def services(self) -> Services:
        """Return the open services. Raises ConfigurationError, StorageError, CatalogError."""
        if self._services is None:
            opened = open_services(
                self.settings, clients=self.clients, patience_seconds=RUN_SECONDS
            )
            self._services = self._stack.enter_context(opened)
        return self._services

    @cached_property
    def settings(self) -> Settings:
        """Return the settings with which the run started. Raises ConfigurationError."""
        return load_settings(self._file)

    def close(self) -> None:
        """Close the services."""
        self._stack.close()


class SharedDeployment:
    """The services of a tick, shared with the other sensors. They do not wait for MongoDB."""

    def __init__(
        self, file: Path, clients: "AwsClients | None" = None, shared: SharedServices = SHARED
    ) -> None:
        self._file, self._clients, self._shared = file, clients, shared

    @contextmanager
    def opened(self) -> Generator[Services]:
        """Yield the services of the present pipeline.yaml for one tick.

        Raises ConfigurationError, StorageError, CatalogError.
        """
        settings, clients = load_settings(self._file), self._clients
        opening = partial(open_services, settings, clients=clients)
        with self._shared.use((settings, clients and clients.options), opening) as services:
            yield services


class PipelineResource(dg.ConfigurableResource[Deployment | SharedDeployment]):
    """Storage, catalogue and media as pipeline.yaml says when the run starts."""

    # The path of pipeline.yaml.
    file: str

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[Deployment | SharedDeployment]:
        """Yield the deployment of a run; outside of runs, the one that sensors share."""
        if context.run is None:
            yield SharedDeployment(Path(self.file), self._clients())
            return
        deployment = Deployment(Path(self.file), self._clients())
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
