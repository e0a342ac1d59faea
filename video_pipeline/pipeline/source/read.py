"""Reading a source: once for its hash, which identifies all results, and locally for each run."""

import hashlib
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from video_pipeline.catalog.videos import Videos
from video_pipeline.domain.errors import SourceError, SourceGone, StorageError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.source import Source, VideoRecord
from video_pipeline.pipeline.source.scratch import COPIES, reserve
from video_pipeline.pipeline.video_run import unknown
from video_pipeline.plugins.base import Progress
from video_pipeline.plugins.inputs import ObjectRef
from video_pipeline.storage.store import IngestStore

PIECE_BYTES = 1 << 20
# Progress is reported after so many bytes: a second over a network, less on a disk.
PROGRESS_BYTES = 64 << 20
# In bytes: file systems take 255 for a name, object stores 1,024 for a key.
_LONGEST_NAME = 200


def _unheard(_: float) -> None:
    pass


def read_source(
    key: VideoKey, ingest: IngestStore, videos: Videos, progress: Progress = _unheard
) -> VideoRecord:
    """Return the record of a video with the SHA-256 of its recorded version.

    Reads the bytes unless they were read before. Progress is reported for a large file.
    Raises SourceGone if the video was removed, and SourceError if it is unknown or has changed.
    """
    record = videos.get(key.video)
    if record is None:
        raise unknown(key)
    if record.removed_at is not None:
        raise SourceGone(
            f"was removed from the ingest store, detected at {record.removed_at:%Y-%m-%d %H:%M}",
            where=record.source.object_key,
            remedy="Put the video in again to process it from the start.",
        )
    if record.sha256 is not None:
        return record
    sha256 = _hash(record.source, ingest, progress)
    if not videos.set_sha256(key.video, record.source.version, sha256):
        raise replaced(record)
    return record.model_copy(update={"sha256": sha256})


def replaced(record: VideoRecord) -> SourceError:
    """Return the error for a source that changed during its reading."""
    return SourceError(
        "a newer version arrived while this one was read",
        where=record.source.object_key,
        remedy="Nothing is to be done: the run for the newer version continues.",
    )


def source_uri(ingest: IngestStore, key: VideoKey, object_key: str) -> str:
    """Return the URI of a source for other services, or "" if today's layout does not cover it.

    The step that reads the source then reports the reason.
    """
    try:
        return ingest.project(key.project).uri(object_key)
    except StorageError:
        return ""


def _hash(source: Source, ingest: IngestStore, progress: Progress) -> str:
    digest, done = hashlib.sha256(), 0
    with ingest.project(source.key.project).open(source.object_key, source.version) as reader:
        while piece := reader.read(PIECE_BYTES):
            digest.update(piece)
            done += len(piece)
            if done % PROGRESS_BYTES == 0:
                progress(done / source.size)
    return digest.hexdigest()


def object_of(ingest: IngestStore, record: VideoRecord) -> ObjectRef:
    """Return the source of a video as a reference for other services."""
    uri = ingest.project(record.key.project).uri(record.source.object_key)
    return ObjectRef(uri=uri, version=record.source.version)


class LocalSource:
    """The source of one run. A copy is made once, when first needed, in the run's folder."""

    def __init__(
        self, ingest: IngestStore, record: VideoRecord, folder: Path, scratch_bytes: int
    ) -> None:
        """`scratch_bytes` is the quota of the copies of all runs beside the folder."""
        self.ingest, self.record, self.folder = ingest, record, folder
        self._scratch_bytes = scratch_bytes
        self._lock = threading.Lock()
        self._copy: Path | None = None

    @contextmanager
    def open(self) -> Generator[BinaryIO, None, None]:
        """Open the recorded version as a real file.

        Raises SourceError, StorageFull, StorageError.
        """
        source = self.record.source
        if self.ingest.is_remote:
            with self.copy().open("rb") as reader:
                yield reader
        else:
            store = self.ingest.project(self.record.key.project)
            with store.open(source.object_key, source.version) as reader:
                yield reader

    def copy(self) -> Path:
        """Return a copy of the recorded version. Raises SourceError, StorageFull, StorageError."""
        source = self.record.source
        with self._lock:
            if self._copy is None:
                path = self.folder / COPIES / _name(source.object_key)
                reserve(self.folder.parent, path, source.size, self._scratch_bytes)
                store = self.ingest.project(self.record.key.project)
                store.fetch(source.object_key, source.version, path)
                self._copy = path
            return self._copy


def _name(key: str) -> str:
    name = Path(key).name
    return name if len(name.encode()) <= _LONGEST_NAME else f"source{Path(key).suffix[:16]}"
