"""The file of a child whose source has no descriptor: it asks its parent for bytes by a socket.

A request is an offset and a length, the answer a length and so many bytes; one of -1 says that
the parent could not read. The child imports this, so it needs nothing but the standard library.
"""

import os
import struct

from video_pipeline.media.child.position import Positioned

REQUEST = struct.Struct("<QI")
ANSWER = struct.Struct("<i")
MOST_BYTES = 1 << 20
"""In one answer."""


class RemoteFile(Positioned):
    """The source as the child reads it."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor, self.size = descriptor, size

    def read(self, size: int) -> bytes:
        """The next bytes, none at the end. Raises OSError where the parent could not read."""
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
                raise OSError("the parent has gone")
            found += piece
        return bytes(found)
