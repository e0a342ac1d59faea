"""The output store in a folder, beyond what every output store does."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from video_pipeline.domain.errors import StorageError, StorageFull
from video_pipeline.storage.local.folder import FolderOutputs
from video_pipeline.storage.local.publish import INCOMING, STALE_SECONDS
from video_pipeline_tests.contracts.storage_contract import OutputContract

KEY = "projects/acme/videos/v/timeline.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


@pytest.fixture
def outputs(root: Path) -> FolderOutputs:
    return FolderOutputs(root)


class TestFolderOutputs(OutputContract):
    pass


def _write(outputs: FolderOutputs, content: bytes) -> None:
    with outputs.project("acme").writer(KEY) as target:
        target.write(content)


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_write_leaves_no_temporary_file(outputs: FolderOutputs, root: Path) -> None:
    _write(outputs, b"whole")
    with pytest.raises(KeyError), outputs.project("acme").writer(KEY):
        raise KeyError("mine")
    assert _files(root) == [KEY]


def test_files_have_the_rights_that_the_user_gives_to_new_files(
    outputs: FolderOutputs, root: Path
) -> None:
    _write(outputs, b"")
    (root / "plain").touch()
    assert (root / KEY).stat().st_mode == (root / "plain").stat().st_mode


_WRITE_WITHIN_A_LIMIT = """
import resource, sys
from pathlib import Path
from video_pipeline.domain.errors import StorageFull
from video_pipeline.storage.local.folder import FolderOutputs

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with FolderOutputs(Path(sys.argv[1])).project("acme").writer(sys.argv[2]) as target:
        for _ in range(10):
            target.write(bytes(50_000))
except StorageFull as error:
    print(error)
"""


def test_file_size_limit_leaves_only_the_old_object(outputs: FolderOutputs, root: Path) -> None:
    _write(outputs, b"old")
    arguments = [sys.executable, "-c", _WRITE_WITHIN_A_LIMIT, str(root), KEY]
    told = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True).stdout
    assert KEY in told and "quota" in told and "Free some space" in told
    assert _files(root) == [KEY]
    assert (root / KEY).read_bytes() == b"old"


def test_full_disk_raises_and_recovers(tiny: Path) -> None:
    outputs = FolderOutputs(tiny)
    _write(outputs, b"old")
    with pytest.raises(StorageFull, match="no space") as caught:
        _write(outputs, bytes(1 << 20))
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert _files(tiny) == [KEY]
    _write(outputs, b"new")
    assert (tiny / KEY).read_bytes() == b"new"


def test_full_disk_elsewhere_is_not_a_storage_error(outputs: FolderOutputs) -> None:
    with pytest.raises(OSError, match="elsewhere"), outputs.project("acme").writer(KEY):
        raise OSError(errno.ENOSPC, "elsewhere")


def test_files_of_a_dead_writer_are_deleted_after_a_day(root: Path) -> None:
    (root / INCOMING).mkdir(parents=True)
    for name, age in (("dead", STALE_SECONDS + 1), ("writing", STALE_SECONDS - 1)):
        (root / INCOMING / name).touch()
        os.utime(root / INCOMING / name, (1_000_000 - age, 1_000_000 - age))
    _write(FolderOutputs(root, clock=lambda: 1_000_000.0), b"")
    assert _files(root) == [f"{INCOMING}/writing", KEY]


def test_linked_folder_is_not_followed(outputs: FolderOutputs, root: Path) -> None:
    _write(outputs, b"secret")
    (root / "projects/acme2").symlink_to(root / "projects/acme")
    half, key = outputs.project("acme2"), KEY.replace("acme", "acme2")
    assert half.stat(key) is None
    assert list(half.listing("projects/acme2/")) == []
    half.delete(key)
    with pytest.raises(StorageError), half.open(key):
        pass
    with pytest.raises(StorageError), half.writer(key) as target:
        target.write(b"over")
    assert (root / KEY).read_bytes() == b"secret"


def test_a_folder_is_no_object(outputs: FolderOutputs) -> None:
    _write(outputs, b"")
    half, folder = outputs.project("acme"), KEY.rpartition("/")[0]
    assert half.stat(folder) is None
    with pytest.raises(StorageError), half.open(folder):
        pass
    with pytest.raises(StorageError, match="directory"), half.writer(folder):
        pass
