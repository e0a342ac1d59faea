"""Boxes of MP4 files, to change what a header claims."""

import struct
from collections.abc import Iterator

ONE = 1 << 16


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    while data:
        size, kind = struct.unpack(">I4s", data[:8])
        yield kind, data[8:size]
        data = data[size:]


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def with_edits(film: bytes, *edits: tuple[int, int]) -> bytes:
    """Return an MP4 of one track, whose index is at its end, with other edits.

    Each is milliseconds to show and the first tick of the media, -1 for nothing.
    """
    entries = [struct.pack(">IiHH", length, first, 1, 0) for length, first in edits]
    listed = _box(b"edts", _box(b"elst", struct.pack(">II", 0, len(edits)), *entries))

    def changed(kind: bytes, content: bytes) -> bytes:
        if kind == b"moov":
            return _box(kind, *(changed(*part) for part in _boxes(content)))
        if kind == b"trak":
            head, *rest = (part for part in _boxes(content) if part[0] != b"edts")
            return _box(kind, _box(*head), listed, *(_box(*part) for part in rest))
        return _box(kind, content)

    return b"".join(changed(*part) for part in _boxes(film))


def with_matrix(film: bytes, *matrix: float) -> bytes:
    """Return an MP4 of one track with the display matrix a, b, c, d. See ISO 14496-12, 8.3.2."""
    a, b, c, d = (round(value * ONE) for value in matrix)
    at = film.index(b"tkhd") + 44
    return film[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + film[at + 36 :]
