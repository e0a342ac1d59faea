"""Checks of a provider's buckets: region, reading, writing, and the key that encrypts results.

Writing is tested by a multipart upload that is begun and aborted: it needs the same rights as a
put, and leaves neither an object nor a version.
"""

# pyright: reportMissingTypeStubs=false

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from video_pipeline.providers.aws.check.finding import Checked, Entry, look

_NO_BUCKET = ("there is no such bucket", "Create it, or correct its name in pipeline.yaml.")
_NO_KEY = ("there is no such key", "Correct `kms_key` of the entry: an ARN in its region.")
_GONE: dict[str, tuple[str, str] | None] = {"404": _NO_BUCKET, "NoSuchBucket": _NO_BUCKET}


def ingest_bucket(entry: Entry) -> Iterator[Checked]:
    """Check that the provider and the caller can read the videos."""
    subject, bucket = "ingest bucket", entry.ingest
    if bucket is None:
        remedy = "Name a bucket under storage.ingest.bucket, or in S3_BUCKET."
        yield Checked(subject, "missing", "videos arrive in a folder; AWS reads from S3", remedy)
        return
    found = list(_region(entry, subject, bucket))
    yield from found
    if any(one.level == "missing" for one in found):
        return
    yield from look(
        "versioning",
        "s3:GetBucketVersioning",
        lambda: _versioning(entry, bucket),
        needed=False,
    )
    yield from look("read", "s3:ListBucket and s3:GetObject", lambda: _read(entry, bucket))


def output_bucket(entry: Entry) -> Iterator[Checked]:
    """Check that results can be written to the plugin's output bucket, and read there."""
    output = entry.option("output")
    if output is None:
        return
    found = list(_region(entry, "output bucket", output.bucket))
    yield from found
    if any(one.level == "missing" for one in found):
        return
    key = f"{output.prefix}aws-check-{uuid.uuid4().hex}"
    yield from look("write", "s3:PutObject", lambda: _write(entry, output.bucket, key))
    yield from _reads_back(entry, output.bucket, key)


def _region(entry: Entry, subject: str, bucket: str) -> Iterator[Checked]:
    def check() -> Iterator[Checked]:
        answer = entry.client("s3").head_bucket(Bucket=bucket)
        yield _placed(entry, subject, bucket, _region_of(answer))

    moved = dict.fromkeys(("301", "PermanentRedirect", "400"), _elsewhere(entry, bucket, None))
    yield from look(subject, f"s3:ListBucket on {bucket}", check, _GONE | moved)


def _region_of(answer: Mapping[str, Any]) -> str | None:
    headers: Mapping[str, str] = answer["ResponseMetadata"]["HTTPHeaders"]
    return answer.get("BucketRegion") or headers.get("x-amz-bucket-region")


def _placed(entry: Entry, subject: str, bucket: str, region: str | None) -> Checked:
    if region is not None and region != entry.options.region:
        return Checked(subject, "missing", *_elsewhere(entry, bucket, region))
    return Checked(subject, "ok", f"s3://{bucket}{f' in {region}' if region else ''}")


def _elsewhere(entry: Entry, bucket: str, region: str | None) -> tuple[str, str]:
    lies = f"lies in {region}" if region else "lies in another region"
    detail = f"s3://{bucket} {lies}, and the provider works in {entry.options.region}"
    return detail, "Set `region` of the entry to the bucket's, or copy the bucket there."


def _versioning(entry: Entry, bucket: str) -> Iterator[Checked]:
    status = entry.client("s3").get_bucket_versioning(Bucket=bucket).get("Status")
    if status == "Enabled":
        yield Checked("versioning", "ok", "enabled: each job reads the version that arrived")
        return
    yield Checked(
        "versioning",
        "warning",
        "not enabled: an object that is replaced while its job runs is found only afterwards, and "
        "the job is paid",
        f"Enable versioning of s3://{bucket}.",
    )


def _read(entry: Entry, bucket: str) -> Iterator[Checked]:
    client = entry.client("s3")
    first = next(iter(client.list_objects_v2(Bucket=bucket, MaxKeys=1).get("Contents", ())), None)
    if first is None:
        yield Checked("read", "ok", "the bucket is empty: no object could be read")
        return
    client.head_object(Bucket=bucket, Key=first["Key"])
    yield Checked("read", "ok", f"s3://{bucket}/{first['Key']}")


def _write(entry: Entry, bucket: str, key: str) -> Iterator[Checked]:
    client, kms_key = entry.client("s3"), entry.option("kms_key")
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    begun = client.create_multipart_upload(Bucket=bucket, Key=key, **sealed)
    yield Checked("write", "ok", f"s3://{bucket}")
    yield from look(
        "write",
        "s3:AbortMultipartUpload (without it an upload stays open)",
        lambda: _abort(client, bucket, key, begun["UploadId"]),
        needed=False,
    )


def _abort(client: Any, bucket: str, key: str, upload: str) -> Iterator[Checked]:
    client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
    yield from ()


def _reads_back(entry: Entry, bucket: str, key: str) -> Iterator[Checked]:
    """Check by an absent object: S3 reports absence only to callers that may read and list."""

    def check() -> Iterator[Checked]:
        entry.client("s3").head_object(Bucket=bucket, Key=key)
        yield Checked("read back", "ok", f"s3://{bucket}")

    right = f"s3:GetObject (with s3:ListBucket) on {bucket}"
    found = list(look("read back", right, check, {"404": None, "NoSuchKey": None}))
    yield from found or [Checked("read back", "ok", f"s3://{bucket}")]


def kms_key(entry: Entry) -> Iterator[Checked]:
    """Check that the key, if any, exists and may be used."""
    key = entry.option("kms_key")
    if key:
        known = {"NotFoundException": _NO_KEY, "InvalidArnException": _NO_KEY}
        yield from look(
            "KMS key", "kms:DescribeKey", lambda: _state(entry, key), known, needed=False
        )


def _state(entry: Entry, key: str) -> Iterator[Checked]:
    found = entry.client("kms").describe_key(KeyId=key)["KeyMetadata"]
    if found["KeyState"] != "Enabled":
        remedy = "Enable it, or name another; what it has encrypted cannot be read meanwhile."
        yield Checked("KMS key", "missing", f"it is {found['KeyState']}", remedy)
        return
    yield Checked("KMS key", "ok", found["Arn"])
