"""The name of an object's version in S3."""


def version_of(version_id: str | None, etag: str, size: int) -> str:
    """Return the version's id, or one of ETag and size where the bucket keeps no versions. The id
    "null" is that of an object put before versioning."""
    if version_id and version_id != "null":
        return version_id
    return content_version(etag, size)


def content_version(etag: str, size: int) -> str:
    """Return a version that depends on the bytes, not on when they were put."""
    return f"etag:{etag.strip(chr(34))}:{size}"
