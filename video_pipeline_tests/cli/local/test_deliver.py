"""A file put into an ingest folder is there whole and alone, or not at all."""

from pathlib import Path

import pytest

from video_pipeline.cli.local.deliver import deliver, link_or_copy
from video_pipeline.domain.errors import StorageError


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "own.mp4"
    file.write_bytes(b"bytes")
    return file


def test_put_in_twice_it_leaves_nothing_beside_itself(own: Path, tmp_path: Path) -> None:
    target = tmp_path / "in" / "own.mp4"
    for _ in range(2):
        deliver(own, target, link_or_copy)
        assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes() == own.read_bytes() == b"bytes"


def test_a_failure_leaves_what_was_there(own: Path, tmp_path: Path) -> None:
    def break_off(_: Path, to: Path) -> None:
        to.write_bytes(b"by")
        raise OSError(28, "No space left on device")

    target = tmp_path / "in" / "own.mp4"
    deliver(own, target)
    with pytest.raises(StorageError, match="No space left"):
        deliver(own, target, break_off)
    assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes() == b"bytes"
