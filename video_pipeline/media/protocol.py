"""How the media child and its parent talk: a job goes in as an argument, messages come out.

A message is a head (two lengths), facts as JSON, and a payload of raw bytes. The child imports
this, so it needs nothing but the standard library.
"""

import json
import os
import struct
import time
from collections.abc import Sequence
from typing import Any

BEAT = "beat"
"""The kind of message that says only that work goes on."""
HEAD = struct.Struct("<IQ")
"""Bytes of facts, bytes of payload."""
MOST_FACTS = 1 << 20
_BEAT_SECONDS = 0.5


class MediaFault(Exception):
    """What the child found wrong with the media, and what mends it."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(what, remedy)


class Outlet:
    """Where the child writes its messages. Blocks while the parent does not read."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._sent_at = descriptor, time.monotonic()

    def send(self, kind: str, payload: Sequence[memoryview] = (), **facts: Any) -> None:
        """Write one message; the payload's pieces must be contiguous and are not copied."""
        text = json.dumps({"kind": kind, **facts}).encode()
        self._write(memoryview(HEAD.pack(len(text), sum(map(len, payload))) + text))
        for piece in payload:
            self._write(piece)
        self._sent_at = time.monotonic()

    def beat(self) -> None:
        """Tell the parent that work goes on, where nothing else was sent for a while."""
        if time.monotonic() - self._sent_at > _BEAT_SECONDS:
            self.send(BEAT)

    def _write(self, piece: memoryview) -> None:
        while piece:
            piece = piece[os.write(self._descriptor, piece) :]
