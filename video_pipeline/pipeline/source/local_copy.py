"""The source of one run, as what works on this machine reads it.

It is the delivered file itself or, where every read would go over a network, one copy of it.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from video_pipeline.domain.source import VideoRecord
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.scratch import COPIES, reserve

_LONGEST_NAME = 200
"""Bytes; file systems take 255 for a name, object stores 1,024 for a key."""


class LocalSource:
    """Makes the copy once, when it is first needed, in the run's own folder."""

    def __init__(self, services: Services, record: VideoRecord, folder: Path) -> None:
        self._services, self.record, self._folder = services, record, folder
        self._lock = threading.Lock()
        self._copy: Path | None = None

    @contextmanager
    def open(self) -> Generator[BinaryIO, None, None]:
        """The bytes of the recorded version, with a descriptor. Raises SourceError, StorageFull,
        StorageError."""
        source, ingest = self.record.source, self._services.ingest
        if ingest.is_remote:
            with self.copy().open("rb") as reader:
                yield reader
        else:
            half = ingest.project(self.record.key.project)
            with half.open(source.object_key, source.version) as reader:
                yield reader

    def copy(self) -> Path:
        """A copy of the recorded version. Raises SourceError, StorageFull, StorageError."""
        source = self.record.source
        with self._lock:
            if self._copy is None:
                path = self._folder / COPIES / _name(source.object_key)
                services = self._services
                reserve(services.scratch, path, source.size, services.scratch_bytes)
                half = services.ingest.project(self.record.key.project)
                half.fetch(source.object_key, source.version, path)
                self._copy = path
            return self._copy


def _name(key: str) -> str:
    name = Path(key).name
    return name if len(name.encode()) <= _LONGEST_NAME else f"source{Path(key).suffix[:16]}"
