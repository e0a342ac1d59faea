"""The child's file when the source has no descriptor: it requests bytes from the parent.

A request over the socket is an offset and a length. The answer is a length and the bytes; a length
of -1 means that the parent could not read. The child imports this module, so it uses only the
standard library.
"""

import os
import struct

REQUEST = struct.Struct("<QI")
ANSWER = struct.Struct("<i")
MOST_BYTES = 1 << 20  # in one answer


class Positioned:
    """A file of known size that is read by position."""

    size: int
    _position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, and return the new position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position


class RemoteFile(Positioned):
    """The source, read through the parent."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor, self.size = descriptor, size

    def read(self, size: int) -> bytes:
        """Return the next bytes, none at the end. Raises OSError if the parent could not read."""
        size = min(size, MOST_BYTES, max(0, self.size - self._position))
        if not size:
            return b""
        os.write(self._descriptor, REQUEST.pack(self._position, size))
        (length,) = ANSWER.unpack(self._exactly(ANSWER.size))
        if length < 0:
            raise OSError("the source cannot be read")
        found = self._exactly(length)
        self._position += length
        return found

    def _exactly(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            piece = os.read(self._descriptor, size - len(found))
            if not piece:
                raise OSError("the parent has ended")
            found += piece
        return bytes(found)
