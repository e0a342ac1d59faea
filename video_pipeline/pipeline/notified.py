"""Arrivals by notices: each leads to one look, however large the store is.

A message is acknowledged only once the catalogue has what the look found. Messages of objects
that are in order cost a look and change nothing: duplicates, disorder and an old backlog are
harmless.
"""

from collections.abc import Callable, Sequence

from video_pipeline.domain.errors import CatalogUnavailable, PipelineError
from video_pipeline.domain.identity import project_id_for
from video_pipeline.domain.layout import Group
from video_pipeline.domain.values import Frozen
from video_pipeline.notices.queue import Delivery, NoticeQueue
from video_pipeline.pipeline.arrive import Looks
from video_pipeline.pipeline.sweep import Troubles

_SHOWN = 3


class Heard(Frozen):
    """What came of the messages of one round."""

    taken_up: int = 0
    left: int = 0
    """To be delivered again: a look failed, or nobody could read them and nobody keeps them."""
    set_aside: int = 0
    """With the dead letters."""
    unreadable: tuple[str, ...] = ()
    """Why, of the first that nobody could read."""


def take_up(
    looks: Looks, queue: NoticeQueue, most: int, late: Callable[[], bool], troubles: Troubles
) -> Heard:
    """Take up messages until there are none, it is late, or a batch met with trouble.

    Raises NoticesError where the queue does not answer, and CatalogUnavailable; what was not
    acknowledged is delivered again.
    """
    taken_up = left = aside = 0
    unreadable: list[str] = []
    while taken_up + left + aside < most and not late():
        batch = queue.receive()
        if not batch:
            break
        poison = [one for one in batch if one.unreadable]
        kept = [one for one in poison if queue.set_aside(one)]
        readable = [one for one in batch if not one.unreadable]
        good = _look(looks, readable, troubles)
        queue.acknowledge(good)
        unreadable += [one.unreadable for one in poison]
        taken_up, aside = taken_up + len(good), aside + len(kept)
        left += len(batch) - len(good) - len(kept)
        if len(good) < len(readable):
            break
    return Heard(
        taken_up=taken_up, left=left, set_aside=aside, unreadable=tuple(unreadable[:_SHOWN])
    )


def _look(looks: Looks, batch: Sequence[Delivery], troubles: Troubles) -> list[Delivery]:
    """One look for each folder that a batch tells of; the messages that are dealt with.

    The number that S3 gives each happening (`sequencer`) would save nothing here: two notices of
    one folder in a batch share a look, and of two in different batches the later look is right
    whichever came first.
    """
    outcomes: dict[Group, bool] = {}
    good: list[Delivery] = []
    for delivery in batch:
        targets = _targets(looks, delivery)
        for group in targets.keys() - outcomes.keys():
            outcomes[group] = _guarded(looks, targets[group], troubles)
        if all(outcomes[group] for group in targets):
            good.append(delivery)
    return good


def _targets(looks: Looks, delivery: Delivery) -> dict[Group, str]:
    """What is to be looked at, each with a key that leads to it."""
    keys = (notice.object_key for notice in delivery.notices)
    return {
        looks.layout.group_of(key): key
        for key in keys
        if not (looks.layout.is_beside(key) or key.endswith("/"))
    }


def _guarded(looks: Looks, key: str, troubles: Troubles) -> bool:
    try:
        looks.into(key)
    except CatalogUnavailable:
        raise
    except PipelineError as error:
        place = looks.layout.place_of(key)
        troubles[project_id_for(place.project) if place else ""] = str(error)
        return False
    return True
