"""Delivery into an ingest folder is atomic."""

from pathlib import Path

import pytest

from video_pipeline.cli.local.deliver import deliver, link_or_copy
from video_pipeline.domain.errors import StorageError


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "own.mp4"
    file.write_bytes(b"bytes")
    return file


def test_deliver_repeated_leaves_one_file(own: Path, tmp_path: Path) -> None:
    target = tmp_path / "in" / "own.mp4"
    for _ in range(2):
        deliver(own, target, link_or_copy)
        assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes() == own.read_bytes() == b"bytes"


def test_deliver_keeps_the_old_file_when_it_fails(own: Path, tmp_path: Path) -> None:
    def break_off(_: Path, to: Path) -> None:
        to.write_bytes(b"by")
        raise OSError(28, "No space left on device")

    target = tmp_path / "in" / "own.mp4"
    deliver(own, target)
    with pytest.raises(StorageError, match="No space left"):
        deliver(own, target, break_off)
    assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes() == b"bytes"
