"""The composition root of everything but Dagster: `Settings` in, open `Services` out."""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path

from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.embedded import EmbeddedServer
from video_pipeline.catalog.interface import Catalog
from video_pipeline.domain.errors import ConfigurationError, StorageError
from video_pipeline.media.child import ChildMediaReader
from video_pipeline.pipeline import memory
from video_pipeline.pipeline.services import Notify, Services, now_utc
from video_pipeline.plugins import registry
from video_pipeline.plugins.base import Plugin
from video_pipeline.settings import Place, Settings
from video_pipeline.storage.folder import FolderIngest, FolderOutputs
from video_pipeline.storage.store import IngestStore, OutputStore


def _unheard(*_: object) -> None:
    pass


@contextmanager
def open_services(
    settings: Settings,
    *,
    plugins: Mapping[str, Plugin] | None = None,
    patience_seconds: float = 0,
    clock: Callable[[], datetime] = now_utc,
    notify: Notify = _unheard,
    on_step: Callable[[str], None] = _unheard,
) -> Generator[Services, None, None]:
    """Open what the use cases work with; all of it is closed when the block ends.

    Plugins are made from the settings unless they are given. `patience_seconds`: see
    connection.connect. Raises ConfigurationError,
    StorageError, CatalogError.
    """
    memory.keep_between_uses()
    with ExitStack() as stack:
        ingest, outputs = open_stores(settings)
        uri = stack.enter_context(catalog_server(settings))
        yield Services(
            catalog=stack.enter_context(closing(_connected(settings, uri, patience_seconds))),
            ingest=ingest,
            outputs=outputs,
            media=ChildMediaReader(settings.media),
            plugins=create_plugins(settings) if plugins is None else plugins,
            choices=settings.choices,
            scratch=made(settings.scratch),
            policy=settings.work,
            clock=clock,
            notify=notify,
            on_step=on_step,
        )


def open_stores(settings: Settings) -> tuple[IngestStore, OutputStore]:
    """Where videos arrive, and where results are published."""
    storage = settings.storage
    return FolderIngest(_folder(storage.ingest)), FolderOutputs(_folder(storage.outputs))


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


def _folder(place: Place) -> Path:
    if place.bucket:
        raise ConfigurationError(
            "storage in S3 comes with a later version",
            where=f"bucket {place.bucket}",
            remedy="Name a folder under `storage:`, and unset S3_BUCKET and S3_OUTPUT_BUCKET.",
        )
    return made(place.folder)


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
