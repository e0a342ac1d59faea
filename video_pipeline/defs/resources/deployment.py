"""The resource `pipeline`: the deployment's stores, catalogue and media.

A run opens it at its first step and closes it at its end. The sensors of a code server share one.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import dagster as dg

from video_pipeline.catalog.connection import RUN_SECONDS
from video_pipeline.defs.resources.shared_services import SHARED, SharedServices
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Running, Settings, load_and_keep
from video_pipeline.wiring import aws_clients, open_services

if TYPE_CHECKING:
    from video_pipeline.storage.s3.clients import AwsClients

_log = logging.getLogger(__name__)


class Deployment:
    """The services of a run, opened at their first use. They wait for a MongoDB that restarts."""

    def __init__(
        self,
        file: Path,
        clients: "AwsClients | None" = None,
        warn: Callable[[str], None] = _log.warning,
    ) -> None:
        self._file, self._warn, self._stack = file, warn, ExitStack()
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
        running = load_and_keep(self._file)
        if running.problem:
            self._warn(str(running.problem))
        return running.settings

    def close(self) -> None:
        """Close the services."""
        self._stack.close()


class SharedDeployment:
    """The services of one tick, shared with the other sensors. They do not wait for MongoDB."""

    def __init__(
        self, file: Path, clients: "AwsClients | None" = None, shared: SharedServices = SHARED
    ) -> None:
        self._file, self._clients, self._shared = file, clients, shared

    @contextmanager
    def opened(self) -> Generator[Services]:
        """Yield the services. Raises ConfigurationError, StorageError, CatalogError."""
        settings, clients = self._running.settings, self._clients
        if clients is None and settings.storage.has_buckets:
            clients = aws_clients(settings)
        limited = clients and clients.for_ticks()
        opening = partial(open_services, settings, clients=limited)
        with self._shared.use((settings, limited and limited.options), opening) as services:
            yield services

    @property
    def problem(self) -> ConfigurationError | None:
        """Return why pipeline.yaml is not used, if it is not. Raises it without a last good one."""
        return self._running.problem

    @cached_property
    def _running(self) -> Running:
        return load_and_keep(self._file)


class PipelineResource(dg.ConfigurableResource[Deployment | SharedDeployment]):
    """Storage, catalogue and media as pipeline.yaml says when the run starts."""

    # The path of pipeline.yaml. No field, as a launch cannot choose another file.
    file: ClassVar[Path]

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[Deployment | SharedDeployment]:
        """Yield the deployment of a run; outside of runs, the one that sensors share."""
        if context.run is None:
            yield SharedDeployment(self.file, self._clients())
            return
        warn = context.log.warning if context.log else _log.warning
        deployment = Deployment(self.file, self._clients(), warn)
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
    if not settings.storage.has_buckets:
        return {"pipeline": _of_file(PipelineResource, settings.file)()}
    # Importing AWS's library takes a second, which a deployment in folders saves.
    from video_pipeline.defs.resources.s3 import s3_resource

    s3 = s3_resource(settings.storage)
    return {"s3": s3, "pipeline": _of_file(BucketsResource, settings.file)(s3=s3)}


def _of_file(kind: type[PipelineResource], file: Path) -> type[Any]:
    """Return the resource's class for this pipeline.yaml."""
    return type(kind.__name__, (kind,), {"__doc__": kind.__doc__, "file": file})
