"""Reading a source: once for each version, and never two versions mixed."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.errors import SourceError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.source import Source
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.pipeline.source.read import PIECE_BYTES, PROGRESS_BYTES, read_source
from video_pipeline.storage.local.folder import FolderIngest, FolderProjectIngest

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = VideoKey(project="acme", video="intro")
OBJECT = "projects/acme/videos/intro/a.mp4"


@pytest.fixture
def ingest(tmp_path: Path) -> FolderIngest:
    (tmp_path / OBJECT).parent.mkdir(parents=True)
    return FolderIngest(tmp_path)


def _deliver(root: Path, content: bytes, ingest: FolderIngest, catalog: Catalog) -> None:
    (root / OBJECT).write_bytes(content)
    register_now(ingest, catalog, OBJECT, NOW)


def test_read_source_records_hash_of_all_bytes(
    tmp_path: Path, ingest: FolderIngest, catalog: Catalog
) -> None:
    content = b"media" * PIECE_BYTES
    _deliver(tmp_path, content, ingest, catalog)
    record = read_source(KEY, ingest, catalog.project("acme").videos)
    assert record.sha256 == hashlib.sha256(content).hexdigest()
    assert catalog.project("acme").videos.get("intro") == record


def test_read_source_reports_progress_of_a_large_file(
    tmp_path: Path, ingest: FolderIngest, catalog: Catalog
) -> None:
    """A sparse file: its noughts take no space."""
    with (tmp_path / OBJECT).open("wb") as file:
        file.truncate(2 * PROGRESS_BYTES + 1)
    register_now(ingest, catalog, OBJECT, NOW)
    told: list[float] = []
    read_source(KEY, ingest, catalog.project("acme").videos, told.append)
    assert [round(fraction, 2) for fraction in told] == [0.5, 1.0]


def test_read_source_reads_a_version_once(
    tmp_path: Path, ingest: FolderIngest, catalog: Catalog
) -> None:
    _deliver(tmp_path, b"media", ingest, catalog)
    first = read_source(KEY, ingest, catalog.project("acme").videos)
    (tmp_path / OBJECT).unlink()
    assert read_source(KEY, ingest, catalog.project("acme").videos) == first


def test_read_source_reads_new_version(
    tmp_path: Path, ingest: FolderIngest, catalog: Catalog
) -> None:
    _deliver(tmp_path, b"media", ingest, catalog)
    before = read_source(KEY, ingest, catalog.project("acme").videos)
    _deliver(tmp_path, b"another cut", ingest, catalog)
    assert read_source(KEY, ingest, catalog.project("acme").videos).sha256 != before.sha256


def test_read_source_of_unknown_video_raises(ingest: FolderIngest, catalog: Catalog) -> None:
    with pytest.raises(SourceError, match=r"acme/intro.*Put its file"):
        read_source(KEY, ingest, catalog.project("acme").videos)


@pytest.mark.parametrize("after", [b"other bytes", None])
def test_read_source_of_changed_object_raises(
    tmp_path: Path, ingest: FolderIngest, catalog: Catalog, after: bytes | None
) -> None:
    _deliver(tmp_path, b"media", ingest, catalog)
    (tmp_path / OBJECT).unlink() if after is None else (tmp_path / OBJECT).write_bytes(after)
    with pytest.raises(SourceError, match=OBJECT):
        read_source(KEY, ingest, catalog.project("acme").videos)


class Overtaken(FolderIngest):
    """An ingest store in which a newer version is registered when one is read."""

    def __init__(self, root: Path, catalog: Catalog, newer: Source) -> None:
        super().__init__(root)
        self._catalog, self._newer = catalog, newer

    def project(self, project: str) -> FolderProjectIngest:
        self._catalog.project(project).videos.register(self._newer, NOW)
        return super().project(project)


def test_read_source_records_no_hash_for_newer_version(
    tmp_path: Path, ingest: FolderIngest, catalog: Catalog
) -> None:
    _deliver(tmp_path, b"media", ingest, catalog)
    videos = catalog.project("acme").videos
    record = videos.get("intro")
    assert record
    newer = record.source.model_copy(update={"version": "newer"})
    with pytest.raises(SourceError, match="newer version arrived"):
        read_source(KEY, Overtaken(tmp_path, catalog, newer), videos)
    after = videos.get("intro")
    assert after and after.sha256 is None
