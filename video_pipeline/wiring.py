"""The composition root of everything but Dagster: `Settings` in, open `Services` out."""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.server.embedded import EmbeddedServer
from video_pipeline.domain.errors import ConfigurationError, StorageError
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.notifications.queue import NoticeQueue
from video_pipeline.pipeline.analysis import malloc
from video_pipeline.pipeline.services import Notify, Services, now_utc
from video_pipeline.plugins import registry
from video_pipeline.plugins.base import Plugin
from video_pipeline.settings import Settings, Storage
from video_pipeline.storage.local.folder import FolderIngest, FolderOutputs
from video_pipeline.storage.store import IngestStore, OutputStore

if TYPE_CHECKING:
    from video_pipeline.storage.s3.clients import AwsClients


def _unheard(*_: object) -> None:
    pass


@contextmanager
def open_services(
    settings: Settings,
    *,
    plugins: Mapping[str, Plugin] | None = None,
    patience_seconds: float = 0,
    clock: Callable[[], datetime] = now_utc,
    clients: "AwsClients | None" = None,
    notify: Notify = _unheard,
    on_step: Callable[[str], None] = _unheard,
) -> Generator[Services, None, None]:
    """Open what the use cases work with; all of it is closed when the block ends.

    Plugins, and the clients with which buckets are reached, are made from the settings unless they
    are given. `patience_seconds`: see connection.connect. Raises ConfigurationError, StorageError,
    CatalogError.
    """
    malloc.keep_between_uses()
    with ExitStack() as stack:
        if settings.storage.has_buckets and clients is None:
            clients = aws_clients(settings)
        ingest, outputs = open_stores(settings, clients)
        uri = stack.enter_context(catalog_server(settings))
        yield Services(
            catalog=stack.enter_context(closing(_connected(settings, uri, patience_seconds))),
            ingest=ingest,
            outputs=outputs,
            media=ChildMediaReader(settings.media),
            plugins=create_plugins(settings) if plugins is None else plugins,
            unavailable=[name for name, one in settings.providers.items() if not one.available],
            choices=settings.choices,
            scratch=made(settings.scratch),
            scratch_bytes=settings.storage.scratch_bytes,
            policy=settings.work,
            limits=settings.limits,
            arrivals=settings.arrivals,
            removals=settings.removals,
            notices=open_notices(settings.storage, clients),
            clock=clock,
            notify=notify,
            on_step=on_step,
        )


def open_stores(
    settings: Settings, clients: "AwsClients | None" = None
) -> tuple[IngestStore, OutputStore]:
    """Where videos arrive, and where results are published. Touches no network.

    Raises ConfigurationError, StorageError.
    """
    storage = settings.storage
    if storage.has_buckets and clients is None:
        clients = aws_clients(settings)
    return _ingest(storage, clients), _outputs(storage, clients)


def aws_clients(settings: Settings) -> "AwsClients":
    """Clients of S3 and its neighbours as pipeline.yaml says. Raises ConfigurationError."""
    # A deployment in folders does without the second that loading the library takes.
    from video_pipeline.storage.s3.clients import AwsClients

    if settings.storage.unset:
        unset = ", ".join(settings.storage.unset)
        raise ConfigurationError(
            f"not set: {unset}",
            where="storage.s3",
            remedy=f"Set {unset}, or leave the option out of pipeline.yaml.",
        )
    return AwsClients(settings.storage.s3)


def _ingest(storage: Storage, clients: "AwsClients | None") -> IngestStore:
    if clients is None or not storage.ingest.bucket:
        return FolderIngest(made(storage.ingest.folder), storage.layout)
    from video_pipeline.storage.s3.ingest import S3Ingest

    return S3Ingest(clients.client("s3"), storage.ingest.bucket, storage.layout)


def _outputs(storage: Storage, clients: "AwsClients | None") -> OutputStore:
    if clients is None or not storage.outputs.bucket:
        return FolderOutputs(made(storage.outputs.folder))
    from video_pipeline.storage.s3.outputs import S3Outputs

    kms_key = clients.options.kms_key
    return S3Outputs(clients.client("s3"), storage.outputs.bucket, kms_key)


def open_notices(storage: Storage, clients: "AwsClients | None") -> NoticeQueue | None:
    """The queue in which the ingest bucket tells of its objects; None where none is named."""
    told, bucket = storage.notifications, storage.ingest.bucket
    if told is None or bucket is None or clients is None:
        return None
    from video_pipeline.notifications.sqs import SqsNotices

    return SqsNotices(clients.client("sqs", told.endpoint), bucket, told.queue, told.dead_letters)


@contextmanager
def catalog_server(settings: Settings) -> Generator[str, None, None]:
    """The address of the catalogue's server: the configured one, else the embedded, while held."""
    if settings.catalog.uri:
        yield settings.catalog.uri.get_secret_value()
        return
    server = EmbeddedServer(made(settings.home) / "mongodb")
    try:
        yield server.acquire()
    finally:
        server.release()


def _connected(settings: Settings, uri: str, patience_seconds: float) -> Catalog:
    return connect(uri, settings.catalog.database, patience_seconds=patience_seconds)


def create_plugins(settings: Settings) -> dict[str, Plugin]:
    """A plugin for each entry whose variables are set, by the entry's name."""
    return {
        name: registry.create(entry.plugin, entry.values)
        for name, entry in settings.providers.items()
        if entry.available
    }


def made(folder: Path) -> Path:
    """The folder, made where it is missing. Raises StorageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"this folder cannot be made: {error.strerror}",
            where=str(folder),
            remedy="Give yourself the right to write there, or name another in pipeline.yaml.",
        ) from error
    return folder
