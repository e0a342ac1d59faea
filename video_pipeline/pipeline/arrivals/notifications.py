"""Arrivals by notification: each message leads to one look, however large the store is.

A message is acknowledged only after the look has updated the catalogue. A look at an unchanged
object changes nothing, so duplicates, disorder and old backlogs are harmless.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from video_pipeline.domain.errors import CatalogUnavailable, PipelineError, StorageUnavailable
from video_pipeline.domain.naming.layout import Group, is_key
from video_pipeline.notifications.queue import Delivery, Notice, NoticeQueue
from video_pipeline.pipeline.arrivals.listing_sweep import Troubles
from video_pipeline.pipeline.arrivals.look import Looks

# Messages received before the first look: those of one folder share a look.
BATCH = 100
# Reasons kept of unreadable messages.
_SHOWN = 3


@dataclass
class Messages:
    """The counts of one round's messages, filled in even if the round ends early."""

    acknowledged: int = 0
    left: int = 0
    """To be delivered again: a look failed, or the message is unreadable and has no dead letters.
    """
    set_aside: int = 0
    """Moved to the dead letters."""
    unreadable: list[str] = field(default_factory=list[str])
    """The reasons of the first unreadable messages."""

    @property
    def count(self) -> int:
        return self.acknowledged + self.left + self.set_aside


def consume(
    looks: Looks, queue: NoticeQueue, found: Messages, late: Callable[[], bool], troubles: Troubles
) -> None:
    """Process messages until the queue is empty, time is up, or a store does not answer.

    Raises NoticesError if the queue does not answer, and CatalogUnavailable; messages that were
    not acknowledged are delivered again.
    """
    batches, most = _Batches(looks, late, troubles), looks.services.arrivals.messages_a_tick
    while found.count < most and not (late() or batches.is_over):
        batch = _received(queue, min(BATCH, most - found.count))
        if not batch:
            break
        for poison in (one for one in batch if one.unreadable):
            found.unreadable = [*found.unreadable, poison.unreadable][:_SHOWN]
            kept = queue.set_aside(poison)
            found.set_aside, found.left = found.set_aside + kept, found.left + (not kept)
        readable = [one for one in batch if not one.unreadable]
        good = batches.look(readable)
        queue.acknowledge(good)
        found.acknowledged += len(good)
        found.left += len(readable) - len(good)


def _received(queue: NoticeQueue, most: int) -> list[Delivery]:
    batch: list[Delivery] = []
    while len(batch) < most and (some := queue.receive()):
        batch += some
    return batch


@dataclass
class _Batches:
    """The looks for a round's messages, and the problems met."""

    looks: Looks
    late: Callable[[], bool]
    troubles: Troubles
    is_over: bool = False
    """Whether the round makes no more looks: time is up, or a store does not answer."""
    troubled: set[str] = field(default_factory=set[str])
    """Projects' folders with a failed look, skipped for the rest of the round."""

    def look(self, batch: Sequence[Delivery]) -> list[Delivery]:
        """Look once into each folder of a batch, and return the messages to acknowledge.

        S3's `sequencer` would save nothing: notifications of one folder in a batch share a look.
        Across batches the later look is right in any order.
        """
        outcomes: dict[Group, bool] = {}
        good: list[Delivery] = []
        for delivery in batch:
            targets = self._targets(delivery.notices)
            for group in targets.keys() - outcomes.keys():
                self.is_over = self.is_over or (bool(outcomes) and self.late())
                outcomes[group] = not self.is_over and self._look(targets[group])
            if all(outcomes[group] for group in targets):
                good.append(delivery)
        return good

    def _targets(self, notices: Iterable[Notice]) -> dict[Group, str]:
        """Return the groups to look at, each with one of its keys.

        The deletion of a key that not every store takes is left to the sweep.
        """
        layout = self.looks.layout
        return {
            layout.group_of(key): key
            for key, happened in ((one.object_key, one.happened) for one in notices)
            if not (layout.is_beside(key) or key.endswith("/"))
            and (happened == "created" or is_key(key))
        }

    def _look(self, key: str) -> bool:
        place = self.looks.layout.place_of(key)
        folder = place.project if place else ""
        if folder in self.troubled:
            return False
        try:
            self.looks.into(key)
        except CatalogUnavailable:
            raise
        except PipelineError as error:
            self.troubles[folder] = str(error)
            self.troubled.add(folder)
            self.is_over = isinstance(error, StorageUnavailable)
            return False
        return True
