"""Checksums of objects: the one that S3 reports, and its verification."""

import base64
import hashlib
import re
import zlib
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from video_pipeline.domain.values import Frozen

_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


class _Digest(Protocol):
    def update(self, data: "bytes | memoryview", /) -> None: ...
    def digest(self) -> bytes: ...


class Expected(Frozen):
    """The checksum of a whole object."""

    kind: Literal["sha256", "sha1", "crc32", "md5"]
    value: str  # hexadecimal

    def start(self) -> "Sum":
        """Begin a verification."""
        return Sum(self)


class Sum:
    """The checksum of the bytes so far."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self._digest: _Digest = (
            _Crc32()
            if expected.kind == "crc32"
            else hashlib.new(expected.kind, usedforsecurity=False)
        )

    def add(self, piece: bytes | memoryview) -> None:
        self._digest.update(piece)

    @property
    def fits(self) -> bool:
        """Return whether the bytes so far have the expected checksum."""
        return self._digest.digest().hex() == self._expected.value


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def expected_of(head: Mapping[str, Any]) -> Expected | None:
    """Return the checksum in the answer to a HEAD, or None if it cannot be verified here.

    A multipart object mostly has a checksum of its parts' checksums. An ETag is the MD5 of the
    bytes unless they are multipart or encrypted with a key (API reference, "Object": ETag).
    """
    for kind in ("sha256", "crc32", "sha1"):
        value = head.get(f"Checksum{kind.upper()}")
        if value and "-" not in value and head.get("ChecksumType") != "COMPOSITE":
            return Expected(kind=kind, value=base64.b64decode(value).hex())
    encrypted = head.get("ServerSideEncryption", "AES256") != "AES256"
    found = _MD5.fullmatch(head["ETag"])
    if not found or encrypted or "SSECustomerAlgorithm" in head:
        return None
    return Expected(kind="md5", value=found[1])
