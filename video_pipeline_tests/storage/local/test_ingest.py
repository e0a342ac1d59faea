"""The ingest store in a folder, beyond what every ingest store does."""

import os
import threading
from pathlib import Path

import pytest

from video_pipeline.domain.errors import SourceError, StorageError, StorageUnavailable
from video_pipeline.domain.naming.layout import Layout
from video_pipeline.storage.local.folder import FolderIngest
from video_pipeline.storage.local.walk import DEEPEST
from video_pipeline_tests.contracts.storage_contract import Deliver, IngestContract

VIDEO = "projects/acme/videos/v"
KEY = f"{VIDEO}/a.mp4"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "ingest").mkdir()
    return tmp_path / "ingest"


@pytest.fixture
def ingest(root: Path) -> FolderIngest:
    return FolderIngest(root)


@pytest.fixture
def deliver(root: Path) -> Deliver:
    def put(key: str, content: bytes) -> None:
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(content)

    return put


class TestFolderIngest(IngestContract):
    pass


def _version(ingest: FolderIngest, key: str = KEY) -> str:
    found = ingest.project("acme").stat(key)
    assert found
    return found.version


def _forms(ingest: FolderIngest) -> dict[str, str]:
    return {found.key: found.form for found in ingest.listing()}


def test_a_linked_file_is_shown_as_a_link_and_not_read(
    ingest: FolderIngest, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (root / VIDEO).mkdir(parents=True)
    (root / KEY).symlink_to(tmp_path / "secret")
    assert _forms(ingest) == {KEY: "symlink"}
    with (
        pytest.raises(SourceError, match="no plain file"),
        ingest.project("acme").open(KEY, _version(ingest)),
    ):
        pass


@pytest.mark.parametrize("linked", ["projects/acme", "projects/acme/videos", VIDEO])
def test_linked_folder_is_not_followed(
    ingest: FolderIngest, root: Path, deliver: Deliver, linked: str
) -> None:
    deliver("projects/acme2/videos/v/a.mp4", b"secret")
    (root / linked).parent.mkdir(parents=True, exist_ok=True)
    target = "/".join(["projects/acme2", *linked.split("/")[2:]])
    (root / linked).symlink_to(root / target)
    assert _forms(ingest) == {linked: "symlink", "projects/acme2/videos/v/a.mp4": "file"}
    half = ingest.project("acme")
    assert half.stat(KEY) is None
    with pytest.raises(SourceError, match="gone"), half.open(KEY, "1"):
        pass


def test_a_pipe_without_a_writer_does_not_block(ingest: FolderIngest, root: Path) -> None:
    (root / VIDEO).mkdir(parents=True)
    os.mkfifo(root / KEY)
    assert _forms(ingest) == {KEY: "other"}
    with (
        pytest.raises(SourceError, match="no plain file"),
        ingest.project("acme").open(KEY, _version(ingest)),
    ):
        pass


def test_replaced_file_of_same_size_and_time_is_new_version(
    ingest: FolderIngest, root: Path, deliver: Deliver
) -> None:
    deliver(KEY, b"first")
    before, times = _version(ingest), (root / KEY).stat()
    deliver(f"{VIDEO}/.new", b"other")
    os.utime(root / VIDEO / ".new", ns=(times.st_atime_ns, times.st_mtime_ns))
    (root / VIDEO / ".new").rename(root / KEY)
    assert _version(ingest) != before


def test_new_link_is_a_new_version_and_disturbs_no_reader(
    ingest: FolderIngest, root: Path, deliver: Deliver
) -> None:
    deliver(KEY, b"first")
    before, half = _version(ingest), ingest.project("acme")
    with half.open(KEY, before) as reader:
        while _version(ingest) == before:  # the clock of a file system is coarse
            (root / "backup").hardlink_to(root / KEY)
            (root / "backup").unlink()
        assert reader.read() == b"first"
    with half.open(KEY, before) as reader:
        assert reader.read() == b"first"


def test_version_of_an_earlier_release_is_read(
    ingest: FolderIngest, root: Path, deliver: Deliver
) -> None:
    deliver(KEY, b"first")
    earlier = _version(ingest).rpartition("-")[0]
    with ingest.project("acme").open(KEY, earlier) as reader:
        assert reader.read() == b"first"
    deliver(KEY, b"first, and more")
    with pytest.raises(SourceError, match="version"), ingest.project("acme").open(KEY, earlier):
        pass


def test_a_file_written_to_while_being_read_is_no_source(
    ingest: FolderIngest, root: Path, deliver: Deliver
) -> None:
    deliver(KEY, b"first")
    half = ingest.project("acme")
    with (
        pytest.raises(SourceError, match="replaced while being read"),
        half.open(KEY, _version(ingest)) as reader,
    ):
        reader.read(1)
        with (root / KEY).open("ab") as growing:
            growing.write(b" and more")


def test_error_in_a_replaced_file_is_a_replacement(
    ingest: FolderIngest, root: Path, deliver: Deliver
) -> None:
    deliver(KEY, b"first")
    with (
        pytest.raises(SourceError, match="replaced while being read") as caught,
        ingest.project("acme").open(KEY, _version(ingest)),
    ):
        (root / KEY).write_bytes(b"torn bytes")
        raise ValueError("cannot decode")
    assert isinstance(caught.value.__cause__, ValueError)


def test_replaced_file_does_not_affect_an_open_reader(
    ingest: FolderIngest, root: Path, deliver: Deliver
) -> None:
    deliver(KEY, b"first")
    with ingest.project("acme").open(KEY, _version(ingest)) as reader:
        deliver(f"{VIDEO}/.new", b"second")
        (root / VIDEO / ".new").rename(root / KEY)
        assert reader.read() == b"first"


def test_the_store_can_be_read_only(ingest: FolderIngest, deliver: Deliver, root: Path) -> None:
    deliver(KEY, b"first")
    with ingest.project("acme").open(KEY, _version(ingest)) as reader:
        assert not reader.writable()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(reader.fileno(), b"x")


def test_listing_continues_while_folders_change(
    ingest: FolderIngest, root: Path, deliver: Deliver
) -> None:
    staying = [f"projects/acme/videos/v{number:03}/a.mp4" for number in range(0, 100, 2)]
    for key in staying:
        deliver(key, b"")
    ended = threading.Event()

    def come_and_go() -> None:
        passing = [f"projects/acme/videos/v{number:03}/a.mp4" for number in range(1, 100, 2)]
        while not ended.is_set():
            for key in passing:
                deliver(key, b"")
            for key in passing:
                (root / key).unlink()
                (root / key).parent.rmdir()

    busy = threading.Thread(target=come_and_go)
    busy.start()
    try:
        for _ in range(30):
            keys = [found.key for found in ingest.listing()]
            assert keys == sorted(keys)
            assert set(staying) <= set(keys)
    finally:
        ended.set()
        busy.join()


def test_the_listing_is_a_stream(ingest: FolderIngest, root: Path, deliver: Deliver) -> None:
    for name in ("a", "b", "c"):
        deliver(f"projects/acme/videos/{name}/it.mp4", b"")
    listing = ingest.listing()
    first = next(listing)
    (root / "projects/acme/videos/c/it.mp4").unlink()
    rest = [found.key for found in listing]
    assert [first.key, *rest] == [f"projects/acme/videos/{name}/it.mp4" for name in ("a", "b")]


def test_names_that_are_not_utf_8_are_shown_and_not_entered(
    ingest: FolderIngest, root: Path
) -> None:
    below = os.fsencode(root) + b"/projects/acme/videos"
    os.makedirs(below + b"/v\xff")  # noqa: PTH103
    with open(below + b"/v\xff/a.mp4", "wb"), open(below + b"/b\xfe.mp4", "wb"):
        pass
    assert _forms(ingest) == {
        "projects/acme/videos/b\\xfe.mp4": "undecodable",
        "projects/acme/videos/v\\xff/": "undecodable",
    }


def test_endless_folders_are_not_entered(ingest: FolderIngest, root: Path) -> None:
    deepest = "projects/acme/" + "d/" * DEEPEST
    (root / deepest / "further").mkdir(parents=True)
    (root / "projects/acme/z.mp4").touch()
    assert _forms(ingest) == {deepest: "closed", "projects/acme/z.mp4": "file"}
    assert list(ingest.listing(after="projects/acme/z.mp4")) == []


@pytest.mark.parametrize("there", [True, False])
def test_whole_folder_without_anything_is_unavailable(tmp_path: Path, there: bool) -> None:
    root = tmp_path / "not-mounted"
    if there:
        root.mkdir()
    with (
        pytest.raises(StorageUnavailable, match="Mount it"),
        FolderIngest(root).project("acme").open(KEY, "1"),
    ):
        pass


def test_missing_root_raises(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Create it"):
        next(FolderIngest(tmp_path / "nowhere").listing())


def test_rule_takes_the_project_from_other_key_parts(root: Path, deliver: Deliver) -> None:
    layout = Layout(pattern=r"in/(?P<video>[^/]+)/by (?P<project>[^/]+)/[^/]+")
    own, other = "in/one/by acme/a.mp4", "in/one/by acme2/b.mp4"
    for key in (own, other, "out/one/by acme/a.mp4"):
        deliver(key, b"bytes")
    ingest = FolderIngest(root, layout)
    assert [found.key for found in ingest.listing()] == [own, other]
    half = ingest.project("acme")
    assert [found.key for found in half.listing("in/")] == [own]
    assert half.stat(own)
    for key in (other, "out/one/by acme/a.mp4", "projects/acme/videos/v/a.mp4"):
        with pytest.raises(StorageError, match="does not belong"):
            half.stat(key)
