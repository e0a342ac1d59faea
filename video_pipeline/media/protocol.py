"""The protocol of the media child: a job as an argument, messages on a pipe.

A message is a head (two lengths), facts as JSON, and a payload of raw bytes. The child imports
this module, so it uses only the standard library.
"""

import json
import os
import struct
import time
from collections.abc import Sequence
from typing import Any

# The kind of message that only shows progress.
BEAT = "beat"
# Bytes of facts, bytes of payload.
HEAD = struct.Struct("<IQ")
MOST_FACTS = 1 << 20
_BEAT_SECONDS = 0.5


class MediaFault(Exception):
    """A fault of the media, and its remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(what, remedy)


class Outlet:
    """The child's end of the pipe. Blocks while the parent does not read.

    `batch_bytes` are the frames of one feed to collect for a message.
    """

    def __init__(self, descriptor: int, batch_bytes: int) -> None:
        self._descriptor, self.batch_bytes = descriptor, batch_bytes
        self._sent_at = time.monotonic()

    def send(self, kind: str, payload: Sequence[memoryview] = (), **facts: Any) -> None:
        """Write one message. The payload's pieces must be contiguous, and are not copied."""
        text = json.dumps({"kind": kind, **facts}).encode()
        self._write(memoryview(HEAD.pack(len(text), sum(map(len, payload))) + text))
        for piece in payload:
            self._write(piece)
        self._sent_at = time.monotonic()

    def beat(self) -> None:
        """Report progress to the parent if nothing was sent for a while."""
        if time.monotonic() - self._sent_at > _BEAT_SECONDS:
            self.send(BEAT)

    def _write(self, piece: memoryview) -> None:
        while piece:
            piece = piece[os.write(self._descriptor, piece) :]
