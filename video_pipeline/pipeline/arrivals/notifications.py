"""Arrivals by notices: each leads to one look, however large the store is.

A message is acknowledged only once the catalogue has what the look found. Messages of objects
that are in order cost a look and change nothing: duplicates, disorder and an old backlog are
harmless.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from video_pipeline.domain.errors import CatalogUnavailable, PipelineError, StorageUnavailable
from video_pipeline.domain.naming.layout import Group, is_key
from video_pipeline.notifications.queue import Delivery, Notice, NoticeQueue
from video_pipeline.pipeline.arrivals.listing_sweep import Troubles
from video_pipeline.pipeline.arrivals.look import Looks

IN_HAND = 100
"""Messages that are received before anything is looked at: those of one folder share a look."""
_SHOWN = 3


@dataclass
class Heard:
    """What came of the messages of one round, also where it ended early."""

    taken_up: int = 0
    left: int = 0
    """To be delivered again: a look failed, or nobody could read them and nobody keeps them."""
    set_aside: int = 0
    """With the dead letters."""
    unreadable: list[str] = field(default_factory=list[str])
    """Why, of the first that nobody could read."""

    @property
    def count(self) -> int:
        return self.taken_up + self.left + self.set_aside


def take_up(
    looks: Looks, queue: NoticeQueue, heard: Heard, late: Callable[[], bool], troubles: Troubles
) -> None:
    """Take up messages until there are none, it is late, or a store does not answer.

    Raises NoticesError where the queue does not answer, and CatalogUnavailable; what was not
    acknowledged is delivered again.
    """
    hearing, most = _Hearing(looks, late, troubles), looks.services.arrivals.messages_a_tick
    while heard.count < most and not (late() or hearing.is_over):
        batch = _received(queue, min(IN_HAND, most - heard.count))
        if not batch:
            break
        for poison in (one for one in batch if one.unreadable):
            heard.unreadable = [*heard.unreadable, poison.unreadable][:_SHOWN]
            kept = queue.set_aside(poison)
            heard.set_aside, heard.left = heard.set_aside + kept, heard.left + (not kept)
        readable = [one for one in batch if not one.unreadable]
        good = hearing.look(readable)
        queue.acknowledge(good)
        heard.taken_up += len(good)
        heard.left += len(readable) - len(good)


def _received(queue: NoticeQueue, most: int) -> list[Delivery]:
    batch: list[Delivery] = []
    while len(batch) < most and (some := queue.receive()):
        batch += some
    return batch


@dataclass
class _Hearing:
    """The looks that messages lead to, and where there was trouble with them."""

    looks: Looks
    late: Callable[[], bool]
    troubles: Troubles
    is_over: bool = False
    """No look can be made any more."""
    troubled: set[str] = field(default_factory=set[str])
    """Folders of projects into which no look is made again in this round."""

    def look(self, batch: Sequence[Delivery]) -> list[Delivery]:
        """One look for each folder that a batch tells of; the messages that are dealt with.

        The number that S3 gives each happening (`sequencer`) would save nothing here: two notices
        of one folder in a batch share a look, and of two in different batches the later look is
        right whichever came first.
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
        """What is to be looked at, each with a key that leads to it. Of a key that no store takes
        only the sweep finds out that it is gone."""
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
