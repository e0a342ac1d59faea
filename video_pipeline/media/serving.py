"""The parent's side of a source without a descriptor: it reads the source for its child."""

import io
import socket
import threading
from contextlib import suppress
from typing import BinaryIO

from video_pipeline.domain.errors import PipelineError
from video_pipeline.media.remote import ANSWER, MOST_BYTES, REQUEST


class Serving:
    """Answers a child's requests for bytes of one source, in a thread, until it is closed."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.size = source.seek(0, io.SEEK_END)
        self.error: PipelineError | OSError | None = None
        # While True, the child waits for the parent.
        self.is_reading = False
        self._ours, self.theirs = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.theirs.close()
        with suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._ours.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while request := self._ours.recv(REQUEST.size, socket.MSG_WAITALL):
                if len(request) < REQUEST.size:
                    return
                offset, length = REQUEST.unpack(request)
                self._answer(self._read(offset, length))

    def _answer(self, found: bytes | None) -> None:
        self._ours.sendall(ANSWER.pack(-1 if found is None else len(found)) + (found or b""))

    def _read(self, offset: int, length: int) -> bytes | None:
        """Return the bytes, or None for an invalid request or a failed read."""
        if length > MOST_BYTES or offset > self.size:
            return None
        self.is_reading = True
        try:
            self._source.seek(offset)
            return self._source.read(length)
        except (PipelineError, OSError) as error:
            self.error = error
            return None
        finally:
            self.is_reading = False


def descriptor_of(source: BinaryIO) -> int | None:
    """Return the source's descriptor, or None."""
    try:
        return source.fileno()
    except io.UnsupportedOperation:
        return None
