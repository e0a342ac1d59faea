"""Tests that every object store must pass. A test module subclasses them with its own fixtures.

They use the projects `acme` and `acme2`: one name is a prefix of the other.
"""

import random
import tracemalloc
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from video_pipeline.domain.errors import SourceError, StorageError
from video_pipeline.domain.naming.identity import project_id_for
from video_pipeline.storage.store import IngestStore, OutputStore, StoredObject

Deliver = Callable[[str, bytes], None]
"""Puts bytes under a key of the ingest store, as the owner of a video does."""

EXACT_NAMES = [
    "plain.mp4",
    "with blanks  and +plus.mp4",
    "100%20of%2Fit.mp4",
    "Ünïcödé – 映像 🎬.mp4",
    "composed \u00e9.mp4",
    "decomposed e\u0301.mp4",
    "line\nbreak.mp4",
    "quote'\"$(x);&.mp4",
    "..almost.mp4",
    "back\\slash.mp4",
]

BAD_KEYS = [
    "projects/acme/../acme2/videos/v/secret.mp4",
    "projects/acme/./videos/v/secret.mp4",
    "projects/acme//secret.mp4",
    "/projects/acme/videos/v/secret.mp4",
    "projects/acme/videos/v/",
    "projects/acme/videos/v/nul\0.mp4",
    "projects/acme/videos/v/\udcff.mp4",
    "projects/acme",
    "projects/acme2/videos/v/secret.mp4",
    "_raw/projects/acme2/videos/v/secret.mp4",
    "acme/videos/v/secret.mp4",
    "",
]


def _key(name: str, project: str = "acme") -> str:
    return f"projects/{project}/videos/v/{name}"


def _keys(listing: "list[StoredObject]") -> list[str]:
    return [found.key for found in listing]


class IngestContract:
    """Needs the fixtures `ingest` (an IngestStore) and `deliver` (a Deliver)."""

    @pytest.mark.parametrize("name", EXACT_NAMES)
    def test_names_are_exact(self, ingest: IngestStore, deliver: Deliver, name: str) -> None:
        deliver(_key(name), b"bytes")
        (found,) = ingest.listing()
        assert found.key == _key(name)
        assert (found.size, found.form) == (5, "file")
        half = ingest.project("acme")
        assert half.stat(_key(name)) == found
        with half.open(found.key, found.version) as reader:
            assert reader.read() == b"bytes"

    def test_project_name_maps_to_the_store_of_its_id(
        self, ingest: IngestStore, deliver: Deliver
    ) -> None:
        deliver(_key("a.mp4", "Große Projekte"), b"bytes")
        (found,) = ingest.listing()
        half = ingest.project(project_id_for("Große Projekte"))
        assert half.stat(found.key) == found
        with pytest.raises(StorageError):
            ingest.project("acme").stat(found.key)

    def test_the_listing_is_in_key_order_and_resumes_after_any_key(
        self, ingest: IngestStore, deliver: Deliver
    ) -> None:
        names = ["a", "a-b/x", "a.b", "a/x", "a/y/z", "a0", "é", "z", "\U0001f3ac", "\uffee"]
        folders = [f"projects/{project}/videos/" for project in ("acme", "acme2", "acme-2")]
        keys = [folder + name + ".f" for folder in folders for name in names]
        for key in keys:
            deliver(key, b"")
        in_order = sorted(keys, key=str.encode)
        assert _keys(list(ingest.listing())) == in_order
        for place, key in enumerate(in_order):
            if place % 3 == 0:
                assert _keys(list(ingest.listing(after=key))) == in_order[place + 1 :]

    def test_the_listing_resumes_at_a_key_that_is_not_there(
        self, ingest: IngestStore, deliver: Deliver
    ) -> None:
        for name in ("a.f", "a-b/x", "a/x", "a0"):
            deliver(_key(name), b"")
        assert _keys(list(ingest.listing(after=_key("a/")))) == [_key("a/x"), _key("a0")]

    def test_only_projects_are_listed(self, ingest: IngestStore, deliver: Deliver) -> None:
        deliver("elsewhere/acme/videos/v/a.mp4", b"")
        deliver(_key("a.mp4"), b"")
        assert _keys(list(ingest.listing())) == [_key("a.mp4")]

    def test_an_empty_store_lists_nothing(self, ingest: IngestStore) -> None:
        assert list(ingest.listing()) == []

    def test_missing_object(self, ingest: IngestStore, deliver: Deliver) -> None:
        deliver(_key("below/a.mp4"), b"")
        half = ingest.project("acme")
        assert half.stat(_key("missing.mp4")) is None
        assert half.stat(_key("below")) is None
        assert half.stat(_key("below/a.mp4/further")) is None
        with pytest.raises(SourceError, match="missing"), half.open(_key("missing.mp4"), "1"):
            pass

    def test_other_bytes_are_another_version(self, ingest: IngestStore, deliver: Deliver) -> None:
        half = ingest.project("acme")
        deliver(_key("a.mp4"), b"one")
        before = half.stat(_key("a.mp4"))
        deliver(_key("a.mp4"), b"three")
        after = half.stat(_key("a.mp4"))
        assert before and after and before.version != after.version
        with pytest.raises(SourceError, match="version"), half.open(after.key, before.version):
            pass
        with half.open(after.key, after.version) as reader:
            assert reader.read() == b"three"

    def test_bytes_are_seekable_and_local_ones_have_a_descriptor(
        self, ingest: IngestStore, deliver: Deliver
    ) -> None:
        deliver(_key("a.mp4"), b"0123456789")
        half = ingest.project("acme")
        found = half.stat(_key("a.mp4"))
        assert found
        with half.open(found.key, found.version) as reader:
            assert ingest.is_remote or reader.fileno() >= 0
            reader.seek(-3, 2)
            assert reader.read() == b"789"
            reader.seek(0)
            assert reader.read(2) == b"01"

    def test_copy_has_the_bytes_of_its_version(
        self, ingest: IngestStore, deliver: Deliver, tmp_path: Path
    ) -> None:
        content = random.Random(1).randbytes((9 << 20) + 3)
        deliver(_key("a.mp4"), content)
        half, copy = ingest.project("acme"), tmp_path / "copy"
        found = half.stat(_key("a.mp4"))
        assert found
        half.fetch(found.key, found.version, copy)
        assert copy.read_bytes() == content
        deliver(_key("a.mp4"), b"another")
        with pytest.raises(SourceError, match="version"):
            half.fetch(found.key, found.version, tmp_path / "late")
        with pytest.raises(SourceError, match="gone"):
            half.fetch(_key("missing.mp4"), "1", tmp_path / "late")
        with pytest.raises(StorageError):
            half.fetch(_key("a.mp4", "acme2"), found.version, tmp_path / "late")
        assert [path.name for path in tmp_path.glob("late*")] == []

    def test_error_of_the_block_is_passed_on(self, ingest: IngestStore, deliver: Deliver) -> None:
        deliver(_key("a.mp4"), b"bytes")
        half = ingest.project("acme")
        found = half.stat(_key("a.mp4"))
        assert found
        with pytest.raises(KeyError), half.open(found.key, found.version):
            raise KeyError("mine")

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_project_store_refuses_other_keys(
        self, ingest: IngestStore, deliver: Deliver, key: str
    ) -> None:
        deliver(_key("secret.mp4", "acme2"), b"secret")
        half = ingest.project("acme")
        with pytest.raises(StorageError):
            half.stat(key)
        with pytest.raises(StorageError), half.open(key, "1"):
            pass
        for name in (half.uri, half.console_url, lambda key: half.presigned(key, 60)):
            with pytest.raises(StorageError):
                name(key)

    @pytest.mark.parametrize("project", ["", "..", "acme/", "acme/videos", "Acme", "*"])
    def test_project_store_requires_a_project_id(self, ingest: IngestStore, project: str) -> None:
        with pytest.raises(StorageError):
            ingest.project(project)

    def test_the_address_names_the_object(self, ingest: IngestStore) -> None:
        half = ingest.project("acme")
        assert half.uri(_key("a.mp4")).endswith(_key("a.mp4"))
        assert half.console_url(_key("a.mp4")) is None, "the server is none of AWS's"

    def test_presigned_address_is_read(self, ingest: IngestStore, deliver: Deliver) -> None:
        deliver(_key("a b+%é.mp4"), b"bytes")
        address = ingest.project("acme").presigned(_key("a b+%é.mp4"), 60)
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.read() == b"bytes"

    def test_ingest_store_has_no_write_methods(self, ingest: IngestStore) -> None:
        public = {name for name in dir(ingest.project("acme")) if not name.startswith("_")}
        reads = {"project", "stat", "listing", "open", "fetch"}
        assert public == reads | {"uri", "console_url", "presigned"}

    def test_project_store_lists_keys_with_a_prefix(
        self, ingest: IngestStore, deliver: Deliver
    ) -> None:
        names = ["a/one", "a/two", "a-b", "ab", "b"]
        for name in names:
            deliver(_key(name), b"bytes")
        deliver(_key("a/one", "acme2"), b"secret")
        deliver(_key("a.mp4", "Große Projekte"), b"bytes")
        half = ingest.project("acme")
        assert _keys(list(half.listing(_key("a")))) == sorted(_key(name) for name in names[:4])
        assert _keys(list(half.listing(_key("a/t")))) == [_key("a/two")]
        assert list(half.listing(_key("b"))) == [half.stat(_key("b"))]
        assert list(half.listing("projects/acme/videos/none/")) == []
        named = ingest.project(project_id_for("Große Projekte"))
        assert _keys(list(named.listing("projects/Große Projekte/"))) == [
            _key("a.mp4", "Große Projekte")
        ]

    @pytest.mark.parametrize(
        "prefix", ["", "projects", "projects/", "projects/acme", "projects/acme2/", "/"]
    )
    def test_project_listing_stays_within_the_project(
        self, ingest: IngestStore, deliver: Deliver, prefix: str
    ) -> None:
        deliver(_key("secret.mp4", "acme2"), b"secret")
        with pytest.raises(StorageError):
            list(ingest.project("acme").listing(prefix))

    def test_appears_whole_is_a_bool(self, ingest: IngestStore) -> None:
        assert ingest.appears_whole in (True, False)


class OutputContract:
    """Needs the fixture `outputs` (an OutputStore)."""

    @pytest.mark.parametrize("name", EXACT_NAMES)
    def test_names_are_exact(self, outputs: OutputStore, name: str) -> None:
        half = outputs.project("acme")
        with half.writer(_key(name)) as target:
            target.write(b"bytes")
        assert _keys(list(half.listing("projects/acme/"))) == [_key(name)]
        with half.open(_key(name)) as reader:
            assert reader.read() == b"bytes"
        found = half.stat(_key(name))
        assert found and (found.key, found.size, found.form) == (_key(name), 5, "file")

    def test_fifty_megabytes_stream_through_little_memory(self, outputs: OutputStore) -> None:
        half, piece = outputs.project("acme"), bytes(1 << 20)
        tracemalloc.start()
        try:
            with half.writer(_key("big")) as target:
                for _ in range(50):
                    target.write(piece)
            with half.open(_key("big")) as reader:
                size = sum(len(read) for read in iter(lambda: reader.read(1 << 20), b""))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert size == 50 << 20
        assert peak < 20 << 20

    def test_output_is_invisible_until_the_block_ends(self, outputs: OutputStore) -> None:
        half = outputs.project("acme")
        with half.writer(_key("new")) as target:
            target.write(b"bytes")
            target.flush()
            assert half.stat(_key("new")) is None
            assert list(half.listing("projects/acme/")) == []
        assert half.stat(_key("new"))

    @pytest.mark.parametrize("before", [None, b"old"])
    def test_failing_block_keeps_the_old_object(
        self, outputs: OutputStore, before: bytes | None
    ) -> None:
        half = outputs.project("acme")
        if before is not None:
            _write(outputs, _key("it"), before)
        with pytest.raises(KeyError), half.writer(_key("it")) as target:
            target.write(b"new, and never finished")
            raise KeyError("mine")
        assert _read(outputs, _key("it")) == before

    def test_open_reader_sees_the_old_object_to_its_end(self, outputs: OutputStore) -> None:
        old, new = b"old" * 100_000, b"newer" * 100_000
        _write(outputs, _key("it"), old)
        with outputs.project("acme").open(_key("it")) as reader:
            begun = reader.read(10)
            _write(outputs, _key("it"), new)
            assert begun + reader.read() == old
        assert _read(outputs, _key("it")) == new

    def test_writing_again_replaces_and_changes_the_version(self, outputs: OutputStore) -> None:
        half = outputs.project("acme")
        _write(outputs, _key("it"), b"first")
        before = half.stat(_key("it"))
        _write(outputs, _key("it"), b"second")
        after = half.stat(_key("it"))
        assert before and after and before.version != after.version
        assert _read(outputs, _key("it")) == b"second"

    def test_an_empty_object_is_an_object(self, outputs: OutputStore) -> None:
        _write(outputs, _key("empty"), b"")
        assert _read(outputs, _key("empty")) == b""

    def test_the_listing_takes_any_prefix_of_the_project(self, outputs: OutputStore) -> None:
        names = ["a/one", "a/two", "a-b", "ab", "b"]
        for name in names:
            _write(outputs, _key(name), b"")
        _write(outputs, _key("a/one", "acme2"), b"")
        half = outputs.project("acme")
        assert _keys(list(half.listing(_key("a")))) == sorted(_key(name) for name in names[:4])
        assert _keys(list(half.listing(_key("a/")))) == [_key("a/one"), _key("a/two")]
        assert _keys(list(half.listing(_key("a/t")))) == [_key("a/two")]
        assert list(half.listing(_key("none/"))) == []

    def test_raw_answers_are_stored_separately(self, outputs: OutputStore) -> None:
        half = outputs.project("acme")
        _write(outputs, "_raw/" + _key("page"), b"page")
        assert list(half.listing("projects/acme/")) == []
        assert _keys(list(half.listing("_raw/projects/acme/"))) == ["_raw/" + _key("page")]

    def test_missing_object(self, outputs: OutputStore) -> None:
        half = outputs.project("acme")
        assert half.stat(_key("missing")) is None
        with pytest.raises(StorageError, match="missing"), half.open(_key("missing")):
            pass

    def test_delete_removes_one_object_and_is_repeatable(self, outputs: OutputStore) -> None:
        half = outputs.project("acme")
        _write(outputs, _key("a"), b"")
        _write(outputs, _key("b"), b"")
        half.delete(_key("a"))
        half.delete(_key("a"))
        half.delete(_key("never/there"))
        assert _keys(list(half.listing("projects/acme/"))) == [_key("b")]

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_project_store_refuses_other_keys(self, outputs: OutputStore, key: str) -> None:
        _write(outputs, _key("secret.mp4", "acme2"), b"secret")
        half = outputs.project("acme")
        uses = (half.stat, half.delete, half.uri, half.console_url)
        for use in (*uses, lambda key: half.presigned(key, 60)):
            with pytest.raises(StorageError):
                use(key)
        with pytest.raises(StorageError), half.open(key):
            pass
        with pytest.raises(StorageError), half.writer(key):
            pass
        assert _read(outputs, _key("secret.mp4", "acme2"), "acme2") == b"secret"

    @pytest.mark.parametrize("name", EXACT_NAMES)
    def test_presigned_address_returns_the_bytes(self, outputs: OutputStore, name: str) -> None:
        _write(outputs, _key(name), b"bytes")
        address = outputs.project("acme").presigned(_key(name), 60)
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.read() == b"bytes"

    @pytest.mark.parametrize("seconds", [-1, 0, 7 * 24 * 3600])
    def test_presigned_address_has_a_bounded_lifetime(
        self, outputs: OutputStore, seconds: int
    ) -> None:
        with pytest.raises(StorageError, match="seconds"):
            outputs.project("acme").presigned(_key("a"), seconds)

    def test_raw_answers_have_no_presigned_address(self, outputs: OutputStore) -> None:
        with pytest.raises(StorageError, match="raw"):
            outputs.project("acme").presigned("_raw/" + _key("page"), 60)

    @pytest.mark.parametrize(
        "prefix", ["", "projects", "projects/", "projects/acme", "projects/acme2/", "_raw/", "/"]
    )
    def test_listing_stays_within_the_project(self, outputs: OutputStore, prefix: str) -> None:
        _write(outputs, _key("secret.mp4", "acme2"), b"secret")
        with pytest.raises(StorageError):
            list(outputs.project("acme").listing(prefix))

    @pytest.mark.parametrize("project", ["", "..", "acme/", "acme/videos", "Acme", "*"])
    def test_project_store_requires_a_project_id(self, outputs: OutputStore, project: str) -> None:
        with pytest.raises(StorageError):
            outputs.project(project)


def _write(outputs: OutputStore, key: str, content: bytes) -> None:
    project = "acme2" if "projects/acme2/" in key else "acme"
    with outputs.project(project).writer(key) as target:
        target.write(content)


def _read(outputs: OutputStore, key: str, project: str = "acme") -> bytes | None:
    half = outputs.project(project)
    if half.stat(key) is None:
        return None
    with half.open(key) as reader:
        return reader.read()
