"""The queue of notices from an ingest store, as the pipeline sees it.

A queue delivers at least once, in any order, and may lose messages.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

from video_pipeline.domain.values import Frozen


class Notice(Frozen):
    """Something happened to an object. It is a hint: only what the store shows counts, so that the
    `sequencer` of S3 is not needed.
    """

    object_key: str
    happened: Literal["created", "removed"]


class Delivery(Frozen):
    """One message as it was received."""

    receipt: str
    """What acknowledges it."""
    body: str
    notices: tuple[Notice, ...] = ()
    """Empty for a message that a store sends to test the queue."""
    unreadable: str = ""
    """Why it can never be read; empty for a readable message."""


class NoticeQueue(Protocol):
    """Notices of one ingest store. All methods raise NoticesError."""

    def receive(self) -> Sequence[Delivery]:
        """Return the next messages, if any. One that is not acknowledged is delivered again."""
        ...

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Delete these messages."""
        ...

    def set_aside(self, delivery: Delivery) -> bool:
        """Move an unreadable message to the dead letters, with the reason. Returns False where
        there is no such queue: then its redrive policy applies."""
        ...
