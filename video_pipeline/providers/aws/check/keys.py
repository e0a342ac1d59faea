"""The KMS key with which results are encrypted."""

from collections.abc import Iterator

from video_pipeline.providers.aws.check.finding import Checked, Entry, look

_NONE = ("there is no such key", "Correct `kms_key` of the entry: an ARN in its region.")


def kms_key(entry: Entry) -> Iterator[Checked]:
    """Whether the key is there and may be used; without one there is nothing to be looked at."""
    key = entry.option("kms_key")
    if key:
        known = {"NotFoundException": _NONE, "InvalidArnException": _NONE}
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
