"""The queue in which an ingest store tells of its objects, as the pipeline sees it.

Implementations stand beside it. A queue delivers at least once, in any order, and may lose some.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

from video_pipeline.domain.values import Frozen


class Notice(Frozen):
    """Something happened to an object. That it did is a hint: what holds is what the store shows.

    The store numbers what happens to one key (S3 calls it `sequencer`); it is not kept here,
    since a notice is never compared with another one, nor with the catalogue.
    """

    object_key: str
    happened: Literal["created", "removed"]


class Delivery(Frozen):
    """One message as it was received."""

    receipt: str
    """By which it is acknowledged."""
    body: str
    notices: tuple[Notice, ...] = ()
    """What it tells; nothing for a message that a store sends to try the queue."""
    unreadable: str = ""
    """Why nobody can make anything of it, whenever it is read; empty for what can be read."""


class NoticeQueue(Protocol):
    """Notices of one ingest store. All methods raise NoticesError."""

    def receive(self) -> Sequence[Delivery]:
        """The next messages, a handful at most; none where there is none for a moment.

        What is not acknowledged is delivered again after a while.
        """
        ...

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """They are dealt with for good, and are not delivered again."""
        ...

    def set_aside(self, delivery: Delivery) -> bool:
        """Keep what is unreadable where a person looks, with the reason; False where there is no
        such place: then the queue's own rules see to it."""
        ...
