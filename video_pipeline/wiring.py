"""The composition root of everything but Dagster: opens `Services` from `Settings`."""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

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


def _ignore(*_: object) -> None:
    pass


@contextmanager
def open_services(
    settings: Settings,
    *,
    plugins: Mapping[str, Plugin] | None = None,
    patience_seconds: float = 0,
    clock: Callable[[], datetime] = now_utc,
    clients: "AwsClients | None" = None,
    notify: Notify = _ignore,
    on_step: Callable[[str], None] = _ignore,
) -> Generator[Services, None, None]:
    """Open the services of the use cases, and close them when the block ends.

    Plugins and S3 clients are made from the settings unless they are given.
    `patience_seconds`: see connection.connect. Raises ConfigurationError, StorageError,
    CatalogError.
    """
    malloc.keep_between_uses()
    with ExitStack() as stack:
        if settings.storage.has_buckets and clients is None:
            clients = aws_clients(settings)
        ingest, outputs = open_stores(settings, clients)
        uri = stack.enter_context(catalog_server(settings, patience_seconds))
        catalog = connect(uri, settings.catalog.database, patience_seconds=patience_seconds)
        yield Services(
            catalog=stack.enter_context(closing(catalog)),
            ingest=ingest,
            outputs=outputs,
            media=ChildMediaReader(settings.media),
            plugins=create_plugins(settings) if plugins is None else plugins,
            find_speech=registry.speech_detector(),
            unavailable=[name for name, one in settings.providers.items() if not one.available],
            choices=settings.choices,
            scratch=ensure_folder(settings.scratch),
            scratch_bytes=settings.storage.scratch_bytes,
            policy=settings.work,
            limits=settings.limits,
            truth=settings.truth,
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
    """Open the ingest and the output store, without a network request.

    Raises ConfigurationError, StorageError.
    """
    storage = settings.storage
    if storage.has_buckets and clients is None:
        clients = aws_clients(settings)
    return _ingest(storage, clients), _outputs(storage, clients)


def aws_clients(settings: Settings) -> "AwsClients":
    """Make the clients of S3 and SQS. Raises ConfigurationError if a variable is not set."""
    # Imported here: it takes a second, which a deployment in folders saves.
    from video_pipeline.storage.s3.clients import AwsClients

    if settings.storage.unset:
        unset = ", ".join(settings.storage.unset)
        raise ConfigurationError(
            f"variables of the S3 options are not set: {unset}",
            where="storage.s3",
            remedy=f"Set {unset}, or remove the options from pipeline.yaml.",
        )
    return AwsClients(settings.storage.s3)


def _ingest(storage: Storage, clients: "AwsClients | None") -> IngestStore:
    if clients is None or not storage.ingest.bucket:
        return FolderIngest(ensure_folder(storage.ingest.folder), storage.layout)
    from video_pipeline.storage.s3.ingest import S3Ingest

    return S3Ingest(clients.client("s3"), storage.ingest.bucket, storage.layout)


def _outputs(storage: Storage, clients: "AwsClients | None") -> OutputStore:
    if clients is None or not storage.outputs.bucket:
        return FolderOutputs(ensure_folder(storage.outputs.folder))
    from video_pipeline.storage.s3.outputs import S3Outputs

    kms_key = clients.options.kms_key
    return S3Outputs(clients.client("s3"), storage.outputs.bucket, kms_key)


def open_notices(storage: Storage, clients: "AwsClients | None") -> NoticeQueue | None:
    """Return the reader of the ingest bucket's notifications, or None without a queue."""
    named, bucket = storage.notifications, storage.ingest.bucket
    if named is None or bucket is None or clients is None:
        return None
    from video_pipeline.notifications.sqs import SqsNotices

    return SqsNotices(
        clients.client("sqs", named.endpoint), bucket, named.queue, named.dead_letters
    )


@contextmanager
def catalog_server(settings: Settings, patience_seconds: float = 0) -> Generator[str, None, None]:
    """Yield the address of the configured catalogue server, else of an embedded one.

    Raises CatalogUnavailable if the embedded one does not answer within 5 s, or the patience.
    """
    if settings.catalog.uri:
        yield settings.catalog.uri.get_secret_value()
        return
    server = embedded_server(settings, patience_seconds)
    try:
        yield server.acquire()
    finally:
        server.release()


def embedded_server(settings: Settings, patience_seconds: float = 0) -> EmbeddedServer:
    """Return a user of the embedded catalogue server in the state folder, which is made."""
    return EmbeddedServer(ensure_folder(settings.home) / "mongodb", patience_seconds)


def create_plugins(settings: Settings) -> dict[str, Plugin]:
    """Return a plugin for each available provider, by name."""
    return {
        name: registry.create(entry.plugin, entry.values)
        for name, entry in settings.providers.items()
        if entry.available
    }


def ensure_folder(folder: Path) -> Path:
    """Create a folder if it is missing, and return it. Raises StorageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder cannot be created: {error.strerror}",
            where=str(folder),
            remedy="Make its parent writable for this user, or name another in pipeline.yaml.",
        ) from error
    return folder
