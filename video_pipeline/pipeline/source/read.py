"""Reading a source: its bytes once, for the hash on which everything made from them hangs."""

import hashlib

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.errors import SourceError, StorageError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.source import Source, VideoRecord
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.inputs import (
    ObjectRef,
)
from video_pipeline.storage.store import IngestStore

PIECE_BYTES = 1 << 20


def read_source(key: VideoKey, ingest: IngestStore, catalog: Catalog) -> VideoRecord:
    """The record of a video with the SHA-256 of its recorded version.

    Reads the bytes where they were not read yet. Raises SourceError where the catalogue has no
    such video, where it was removed, is no longer this version, or a newer one has arrived.
    """
    videos = catalog.project(key.project).videos
    record = videos.get(key.video)
    if record is None:
        raise SourceError(
            "the catalogue knows no such video",
            where=str(key),
            remedy="Put its file into the ingest store and wait for the arrivals sensor.",
        )
    if record.removed_at is not None:
        raise SourceError(
            f"was removed from the ingest store, found at {record.removed_at:%Y-%m-%d %H:%M}",
            where=record.source.object_key,
            remedy="Put the video in again; it then starts anew.",
        )
    if record.sha256 is not None:
        return record
    sha256 = _hash(record.source, ingest)
    if not videos.set_sha256(key.video, record.source.version, sha256):
        raise SourceError(
            "a newer version arrived while this one was read",
            where=record.source.object_key,
            remedy="Nothing is to be done: the run for the newer version goes on.",
        )
    return record.model_copy(update={"sha256": sha256})


def source_uri(ingest: IngestStore, key: VideoKey, object_key: str) -> str:
    """Where a source lies, as other services address it; empty where the layout of today does not
    know its place: whoever reads it then says why."""
    try:
        return ingest.project(key.project).uri(object_key)
    except StorageError:
        return ""


def _hash(source: Source, ingest: IngestStore) -> str:
    digest = hashlib.sha256()
    with ingest.project(source.key.project).open(source.object_key, source.version) as reader:
        while piece := reader.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def object_of(services: Services, record: VideoRecord) -> ObjectRef:
    """The source of a video as other services address it."""
    ingest = services.ingest.project(record.key.project)
    return ObjectRef(uri=ingest.uri(record.source.object_key), version=record.source.version)
