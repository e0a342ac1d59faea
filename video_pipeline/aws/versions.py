"""How a version of an object in S3 is called, whoever asks."""


def version_of(version_id: str | None, etag: str, size: int) -> str:
    """The version's id; where the bucket keeps none, what its ETag and size say.

    An id of "null" is that of an object put while the bucket kept no versions: it says nothing.
    """
    if version_id and version_id != "null":
        return version_id
    return content_version(etag, size)


def content_version(etag: str, size: int) -> str:
    """A version by what the bytes are, not by when they were put."""
    return f"etag:{etag.strip(chr(34))}:{size}"
