"""The ingest store in a bucket, beyond what every ingest store does."""

import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from video_pipeline.domain.errors import SourceError, StorageError, StorageFull
from video_pipeline.domain.naming.identity import project_id_for
from video_pipeline.domain.naming.layout import Layout
from video_pipeline.storage.s3.bucket import Bucket
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline_tests.servers.buckets import MadeBucket, fetched_bytes

KEY = "projects/acme/videos/v/a.mp4"


def _ingest(made: MadeBucket) -> S3Ingest:
    return S3Ingest(made.client, made.name)


def _version(made: MadeBucket) -> str:
    found = _ingest(made).project("acme").stat(KEY)
    assert found
    return found.version


def test_versioned_bucket_uses_version_ids(versioned_bucket: MadeBucket) -> None:
    versioned_bucket.put(KEY, b"one")
    given = versioned_bucket.client.head_object(Bucket=versioned_bucket.name, Key=KEY)
    assert _version(versioned_bucket) == given["VersionId"]
    before = _version(versioned_bucket)
    versioned_bucket.put(KEY, b"one")
    assert _version(versioned_bucket) != before


def test_without_versions_the_same_bytes_are_the_same_version(moto_bucket: MadeBucket) -> None:
    moto_bucket.put(KEY, b"one")
    before = _version(moto_bucket)
    assert before.startswith("etag:") and before.endswith(":3")
    moto_bucket.put(KEY, b"one")
    assert _version(moto_bucket) == before


def test_object_older_than_versioning_is_versioned_by_bytes(
    moto_bucket: MadeBucket,
) -> None:
    moto_bucket.put(KEY, b"one")
    before = _version(moto_bucket)
    moto_bucket.client.put_bucket_versioning(
        Bucket=moto_bucket.name, VersioningConfiguration={"Status": "Enabled"}
    )
    assert [found.version for found in _ingest(moto_bucket).listing()] == [before]
    with _ingest(moto_bucket).project("acme").open(KEY, before) as reader:
        assert reader.read() == b"one"


def test_listing_has_only_current_objects(versioned_bucket: MadeBucket) -> None:
    other = "projects/acme2/videos/w/b.mp4"
    for key in (KEY, other):
        for content in (b"first", b"second"):
            versioned_bucket.put(key, content)
    deleted = _version(versioned_bucket)
    versioned_bucket.client.delete_object(Bucket=versioned_bucket.name, Key=KEY)
    ingest = _ingest(versioned_bucket)
    assert [(found.key, found.size) for found in ingest.listing()] == [(other, 6)]
    assert ingest.project("acme").stat(KEY) is None
    with (
        pytest.raises(SourceError, match="gone"),
        ingest.project("acme").open(KEY, deleted),
    ):
        pass


def test_object_replaced_after_listing_is_not_opened(
    moto_bucket: MadeBucket, versioned_bucket: MadeBucket
) -> None:
    for made in (moto_bucket, versioned_bucket):
        made.put(KEY, b"one")
        (listed,) = _ingest(made).listing()
        made.put(KEY, b"two")
        with (
            pytest.raises(SourceError, match="not the version that arrived"),
            _ingest(made).project("acme").open(KEY, listed.version),
        ):
            pass


def test_an_object_replaced_while_being_read_is_never_mixed(
    moto_bucket: MadeBucket, versioned_bucket: MadeBucket
) -> None:
    old = random.Random(1).randbytes(1 << 20)
    for made in (moto_bucket, versioned_bucket):
        made.put(KEY, old)
        with _ingest(made).project("acme").open(KEY, _version(made)) as reader:
            begun = reader.read(1000)
            made.put(KEY, bytes(1 << 20))
            if made is moto_bucket:
                with pytest.raises(SourceError, match="replaced while being read"):
                    reader.read()
            else:
                assert begun + reader.read() == old


def test_versioning_is_checked_once_a_minute(moto_bucket: MadeBucket) -> None:
    now, asked = 0.0, []
    moto_bucket.client.meta.events.register(
        "before-call.s3.GetBucketVersioning", lambda **_: asked.append(now)
    )
    bucket = Bucket(moto_bucket.client, moto_bucket.name, clock=lambda: now)
    assert not bucket.keeps_versions()
    moto_bucket.client.put_bucket_versioning(
        Bucket=moto_bucket.name, VersioningConfiguration={"Status": "Enabled"}
    )
    now = 59.0
    assert not bucket.keeps_versions() and asked == [0.0]
    now = 61.0
    assert bucket.keeps_versions() and asked == [0.0, 61.0]


def test_ingest_sends_only_read_requests(versioned_bucket: MadeBucket) -> None:
    asked: set[str] = set()

    def note(model: Any, **_: object) -> None:
        asked.add(model.name)

    versioned_bucket.put(KEY, b"bytes")
    versioned_bucket.client.meta.events.register("before-call.s3", note)
    half = _ingest(versioned_bucket).project("acme")
    (found,) = _ingest(versioned_bucket).listing()
    list(half.listing("projects/acme/"))
    with half.open(KEY, found.version) as reader:
        reader.read()
    assert asked == {"GetBucketVersioning", "ListObjectVersions", "HeadObject", "GetObject"}


def test_reads_of_a_large_object_transfer_few_bytes(moto_bucket: MadeBucket) -> None:
    size = 40 << 20
    moto_bucket.put(KEY, bytes(size))
    fetched = fetched_bytes(moto_bucket.client)
    with _ingest(moto_bucket).project("acme").open(KEY, _version(moto_bucket)) as reader:
        for place in (0, size - 1000, size // 2, 10):
            reader.seek(place)
            assert reader.read(1000) == bytes(1000)
    assert sum(fetched) <= 4 << 18
    fetched.clear()
    with _ingest(moto_bucket).project("acme").open(KEY, _version(moto_bucket)) as reader:
        assert sum(len(piece) for piece in iter(lambda: reader.read(1 << 20), b"")) == size
    assert sum(fetched) == size
    assert len(fetched) < 12


def test_invalid_keys_are_listed_as_no_files(moto_bucket: MadeBucket) -> None:
    odd = ["projects/acme//a.mp4", "projects/acme/videos/v/", "projects/acme/videos/w/"]
    for key in odd[:2]:
        moto_bucket.put(key, b"x")
    moto_bucket.put(odd[2], b"")
    forms = {found.key: found.form for found in _ingest(moto_bucket).listing()}
    assert forms == {odd[0]: "other", odd[1]: "other", odd[2]: "file"}


def test_rule_takes_the_project_from_other_key_parts(moto_bucket: MadeBucket) -> None:
    layout = Layout(pattern=r"in/(?P<video>[^/]+)/by (?P<project>[^/]+)/[^/]+")
    for key in ("in/one/by acme/a.mp4", "in/one/by Große/b.mp4", "out/one/by acme/a.mp4"):
        moto_bucket.put(key, b"bytes")
    ingest = S3Ingest(moto_bucket.client, moto_bucket.name, layout)
    listed = [found.key for found in ingest.listing()]
    assert listed == ["in/one/by Große/b.mp4", "in/one/by acme/a.mp4"]
    half, other = ingest.project("acme"), ingest.project(project_id_for("Große"))
    assert [found.key for found in half.listing("in/one/")] == ["in/one/by acme/a.mp4"]
    assert other.stat("in/one/by Große/b.mp4")
    for key in ("in/one/by Große/b.mp4", "projects/acme/videos/v/a.mp4", "out/one/by acme/a.mp4"):
        with pytest.raises(StorageError, match="does not belong"):
            half.stat(key)


def test_fetch_on_full_disk_raises_and_leaves_no_file(moto_bucket: MadeBucket, tiny: Path) -> None:
    moto_bucket.put(KEY, bytes(1 << 20))
    half = _ingest(moto_bucket).project("acme")
    with pytest.raises(StorageFull, match="Free some space"):
        half.fetch(KEY, _version(moto_bucket), tiny / "copy")
    assert list(tiny.iterdir()) == []


def test_a_copy_takes_little_memory(moto_bucket: MadeBucket, tmp_path: Path) -> None:
    size = 96 << 20
    moto_bucket.put(KEY, bytes(size))
    half, version = _ingest(moto_bucket).project("acme"), _version(moto_bucket)
    tracemalloc.start()
    try:
        half.fetch(KEY, version, tmp_path / "copy")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "copy").stat().st_size == size
    assert peak < 80 << 20
