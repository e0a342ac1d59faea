"""The output store in a bucket, beyond what every output store does."""

import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from video_pipeline.domain.errors import StorageError
from video_pipeline.storage.s3.outputs import S3Outputs
from video_pipeline_tests.servers.buckets import MadeBucket, Servers, made_bucket

KEY = "projects/acme/videos/v/timeline.json"
PART_BYTES = 5 << 20


def _write(made: MadeBucket, content: bytes, **options: Any) -> None:
    outputs = S3Outputs(made.client, made.name, part_bytes=PART_BYTES, **options)
    with outputs.project("acme").writer(KEY, "application/json") as target:
        target.write(content)


def _asked(made: MadeBucket) -> list[str]:
    asked: list[str] = []

    def note(model: Any, **_: object) -> None:
        asked.append(model.name)

    made.client.meta.events.register("before-call.s3", note)
    return asked


def _uploads(made: MadeBucket) -> list[Any]:
    return made.client.list_multipart_uploads(Bucket=made.name).get("Uploads", [])


def test_only_large_objects_are_uploaded_in_parts(moto_bucket: MadeBucket) -> None:
    asked = _asked(moto_bucket)
    _write(moto_bucket, bytes(PART_BYTES))
    assert asked == ["PutObject"]
    asked.clear()
    content = bytes(range(256)) * (PART_BYTES // 128) + b"end"
    _write(moto_bucket, content)
    parts = ["UploadPart"] * 3
    assert asked == ["CreateMultipartUpload", *parts, "CompleteMultipartUpload"]
    found = moto_bucket.client.get_object(Bucket=moto_bucket.name, Key=KEY)
    assert found["Body"].read() == content
    assert found["ContentType"] == "application/json"


def test_checksums_are_sent_with_the_bytes(moto_bucket: MadeBucket) -> None:
    _write(moto_bucket, b"bytes")
    asked = {"Bucket": moto_bucket.name, "Key": KEY, "ChecksumMode": "ENABLED"}
    assert moto_bucket.client.head_object(**asked)["ChecksumCRC32"]


def test_a_block_that_fails_leaves_no_upload(servers: Servers) -> None:
    for name in ("moto", "swift", "ministack"):
        made = made_bucket(servers[name])
        outputs = S3Outputs(made.client, made.name, part_bytes=PART_BYTES)
        with pytest.raises(KeyError), outputs.project("acme").writer(KEY) as target:
            target.write(bytes(PART_BYTES + 1))
            assert len(_uploads(made)) == 1
            raise KeyError("mine")
        assert _uploads(made) == []
        assert outputs.project("acme").stat(KEY) is None


def test_refused_part_keeps_old_object_and_leaves_no_upload(
    moto_bucket: MadeBucket,
) -> None:
    _write(moto_bucket, b"old")

    def other_bucket(params: dict[str, Any], **_: object) -> None:
        params["UploadId"] = "another"

    moto_bucket.client.meta.events.register("provide-client-params.s3.UploadPart", other_bucket)
    with pytest.raises(StorageError):
        _write(moto_bucket, bytes(PART_BYTES + 1))
    assert _uploads(moto_bucket) == []
    with S3Outputs(moto_bucket.client, moto_bucket.name).project("acme").open(KEY) as reader:
        assert reader.read() == b"old"


@pytest.mark.parametrize("name", ["ministack", "swift"])
@pytest.mark.parametrize("lost", [True, False])
def test_lost_answer_differs_from_failed_completion(
    servers: Servers, name: str, lost: bool
) -> None:
    made = made_bucket(servers[name])
    other = made.server.clients().client("s3")

    def beforehand(params: dict[str, Any], **_: object) -> None:
        upload = {name: params[name] for name in ("Bucket", "Key", "UploadId")}
        if lost:
            other.complete_multipart_upload(**upload, MultipartUpload=params["MultipartUpload"])
        else:
            other.abort_multipart_upload(**upload)

    _write(made, b"old")
    made.client.meta.events.register("provide-client-params.s3.CompleteMultipartUpload", beforehand)
    if lost:
        _write(made, bytes(PART_BYTES + 1))
    else:
        with pytest.raises(StorageError, match="NoSuchUpload"):
            _write(made, bytes(PART_BYTES + 1))
    head = other.head_object(Bucket=made.name, Key=KEY)
    assert head["ContentLength"] == (PART_BYTES + 1 if lost else 3)


@pytest.mark.parametrize("size", [10, PART_BYTES + 1])
def test_outputs_are_encrypted_with_the_key_that_is_named(
    moto_bucket: MadeBucket, size: int
) -> None:
    _write(moto_bucket, bytes(size), kms_key="alias/videos")
    head = moto_bucket.client.head_object(Bucket=moto_bucket.name, Key=KEY)
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"] == "alias/videos"


def test_presigned_address_expires(servers: Servers) -> None:
    made = made_bucket(servers["swift"])
    _write(made, b"bytes")
    address = S3Outputs(made.client, made.name).project("acme").presigned(KEY, 2)
    with urlopen(address, timeout=10) as answer:
        assert answer.read() == b"bytes"
    time.sleep(3)
    with pytest.raises(HTTPError, match="403"):
        urlopen(address, timeout=10)


def test_presigned_address_is_for_one_object(servers: Servers) -> None:
    made = made_bucket(servers["swift"])
    _write(made, b"bytes")
    outputs = S3Outputs(made.client, made.name)
    with outputs.project("acme2").writer("projects/acme2/videos/v/secret") as target:
        target.write(b"secret")
    address = outputs.project("acme").presigned(KEY, 60)
    other = address.replace(KEY, "projects/acme2/videos/v/secret")
    with pytest.raises(HTTPError, match="403"):
        urlopen(other, timeout=10)


def test_deleted_output_is_invisible_in_versioned_bucket(
    versioned_bucket: MadeBucket,
) -> None:
    _write(versioned_bucket, b"bytes")
    half = S3Outputs(versioned_bucket.client, versioned_bucket.name).project("acme")
    half.delete(KEY)
    assert half.stat(KEY) is None
    assert list(half.listing("projects/acme/")) == []
