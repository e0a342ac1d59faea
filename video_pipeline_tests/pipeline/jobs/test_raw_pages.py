"""Raw pages, and the files beside them that others may have changed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.storage.local.folder import FolderOutputs
from video_pipeline.storage.store import ProjectOutputs

_KEY = VideoKey(project="acme", video="one")
_PLACE = f"{_KEY.raw_prefix}unit/"
_DEEP = b'{"request": ' + b"[" * 150 + b"]" * 150
_REST = b', "generation": 0, "forced_by": "", "requested_at": "2026-11-30T12:00:00Z"}'


@pytest.fixture
def outputs(tmp_path: Path) -> ProjectOutputs:
    return FolderOutputs(tmp_path).project("acme")


def _put(outputs: ProjectOutputs, name: str, content: bytes) -> RawPages:
    with outputs.writer(f"{_PLACE}{name}") as out:
        out.write(content)
    return RawPages(outputs, _KEY, "unit")


def test_pages_are_read_as_they_were_stored(outputs: ProjectOutputs) -> None:
    pages = RawPages(outputs, _KEY, "unit")
    pages.store([b"first", b"second"])
    assert list(pages.read()) == [b"first", b"second"]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"sha256": 5}', b'{"sha256": [1e99999999]}', b"[" * 100_000]
)
def test_damaged_list_of_pages_has_a_remedy(outputs: ProjectOutputs, content: bytes) -> None:
    pages = _put(outputs, "manifest.json", content)
    with pytest.raises(StorageError, match="cannot be read") as raised:
        list(pages.read())
    assert raised.value.where.endswith("unit/manifest.json")
    assert "with force" in raised.value.remedy


def test_recorded_request_is_read(outputs: ProjectOutputs) -> None:
    pages = _put(outputs, "request.json", b'{"request": {"a": 1}' + _REST)
    record = pages.requested()
    assert record and record.requested_at == datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "content",
    [
        _DEEP + _REST,
        b"null",
        b'{"request": 1e99999999' + _REST,
        b'{"request": 1' + _REST.replace(b": 0,", b": 999999999999,"),
    ],
    ids=["deep", "null", "huge number", "generation"],
)
def test_unreadable_request_has_a_remedy(outputs: ProjectOutputs, content: bytes) -> None:
    with pytest.raises(StorageError, match="the record of a request cannot be read") as raised:
        _put(outputs, "request.json", content).requested()
    assert "Check at the provider" in raised.value.remedy
