"""What S3 says that an object's bytes add up to, and adding them up."""

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
    value: str
    """In hexadecimal."""

    def start(self) -> "Sum":
        """Begin to add up."""
        return Sum(self)


class Sum:
    """A sum of bytes as they come."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self._digest: _Digest = (
            _Crc32()
            if expected.kind == "crc32"
            else hashlib.new(expected.kind, usedforsecurity=False)
        )

    def add(self, piece: bytes | memoryview) -> None:
        """Take the next bytes."""
        self._digest.update(piece)

    @property
    def fits(self) -> bool:
        """Whether all bytes so far are those expected."""
        return self._digest.digest().hex() == self._expected.value


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def expected_of(head: Mapping[str, Any]) -> Expected | None:
    """The checksum in the answer to a HEAD; None where there is none that can be added up here.

    That of an object put in parts is mostly one of the parts' own. An ETag is the MD5 of the bytes
    unless they were put in parts or are encrypted with a key (API reference, "Object": ETag).
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
