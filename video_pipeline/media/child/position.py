"""Where the next read of a file begins: what the child's two kinds of source have in common.

The child imports this, so it needs nothing but the standard library.
"""

import os


class Positioned:
    """A file of known size that is read by position."""

    size: int
    """Bytes in the file."""
    _position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, and give the new position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """The position of the next read."""
        return self._position
