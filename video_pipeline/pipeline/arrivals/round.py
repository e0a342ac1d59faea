"""One round of arrivals: second looks, notifications, and a slice of the listing sweep.

A round is bounded in time and number, whatever the backlog. A failing source of arrivals does not
stop the others, and unfinished work is left to the next round.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import Field

from video_pipeline.domain.errors import (
    CatalogUnavailable,
    NoticesError,
    PipelineError,
    StorageUnavailable,
)
from video_pipeline.domain.naming.layout import Layout
from video_pipeline.domain.values import Frozen
from video_pipeline.notifications.queue import NoticeQueue
from video_pipeline.pipeline.arrivals.listing_sweep import Position, Troubles, sweep_on
from video_pipeline.pipeline.arrivals.look import Looks
from video_pipeline.pipeline.arrivals.notifications import Messages, consume
from video_pipeline.pipeline.arrivals.pending_runs import Requested, in_turn
from video_pipeline.pipeline.arrivals.removal import Allowance
from video_pipeline.pipeline.services import Services

# Time limits for second looks, for notifications and for the sweep.
SECOND_LOOKS_SECONDS, MESSAGES_SECONDS, SWEEP_SECONDS = 5.0, 15.0, 15.0
# After this time a round, and the removals that follow it, ask no store anew. Dagster gives a tick
# 60 seconds, and a request to a store that does not answer takes about 20.
ROUND_SECONDS = 35.0
# The pause between two sweeps beside notifications, unless pipeline.yaml sets another.
PAUSE_SECONDS = 900.0
_QUEUE = "the queue"

# A monotonic clock, in seconds.
Clock = Callable[[], float]


class Memory(Frozen):
    """The state that a round leaves to the next, stored together with its run requests."""

    position: Position = Position()
    pending: dict[str, str] = Field(default_factory=dict)
    """Object key to version: registered if the next look finds the same version."""
    requested: tuple[Requested, ...] = ()


@dataclass
class Round:
    """The findings of a round."""

    looks: Looks
    position: Position
    heard: Messages = field(default_factory=Messages)
    troubles: Troubles = field(default_factory=dict[str, str])


def receive(
    services: Services, memory: Memory, now: datetime, clock: Clock = time.monotonic
) -> Round:
    """Look for arrivals once. Raises CatalogUnavailable before it receives any message."""
    # MongoDB keeps milliseconds, and times are compared with stored ones.
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    services.catalog.projects()
    allowance = Allowance(late=_deadline(clock, ROUND_SECONDS))
    found = Round(Looks(services, now, allowance), memory.position)
    _look_again(found, memory.pending, _deadline(clock, SECOND_LOOKS_SECONDS))
    policy, queue = services.arrivals, services.notices
    pause = policy.pause_seconds
    if pause is None:
        pause = 0 if queue is None else PAUSE_SECONDS
    if queue is not None:
        _consume(queue, found, _deadline(clock, MESSAGES_SECONDS))
    if _sweeps_now(memory.position, now, pause) and not allowance.late():
        _sweep(found, policy.keys_a_tick, _deadline(clock, SWEEP_SECONDS))
    return found


def _look_again(found: Round, pending: Mapping[str, str], late: Callable[[], bool]) -> None:
    """Make the second looks, of the projects in turn. Leave the rest to the next round."""
    left = {key: pending[key] for key in _by_turn(found.looks.layout, pending)}
    while left and not late():
        object_key = next(iter(left))
        try:
            found.looks.into(object_key, pending, removes=False)
        except CatalogUnavailable:
            raise
        except PipelineError as error:
            found.troubles[""] = str(error)
            if isinstance(error, StorageUnavailable):
                break
            # Else the next sweep finds the object again.
        del left[object_key]
    found.looks.pending = left | found.looks.pending


def _by_turn(layout: Layout, keys: Iterable[str]) -> Iterator[str]:
    """Return object keys, of the projects in turn: one with many does not hold up the others."""
    queues = defaultdict[str, list[str]](list)
    for key in keys:
        place = layout.place_of(key)
        queues[place.project if place else ""].append(key)
    return in_turn(queues.values())


def _consume(notices: NoticeQueue, found: Round, late: Callable[[], bool]) -> None:
    try:
        consume(found.looks, notices, found.heard, late, found.troubles)
    except NoticesError as error:
        found.troubles[_QUEUE] = str(error)


def _sweep(found: Round, keys: int, late: Callable[[], bool]) -> None:
    try:
        found.position = sweep_on(found.looks, found.position, keys, late, found.troubles)
    except CatalogUnavailable:
        raise
    except PipelineError as error:
        found.troubles[""] = str(error)


def _sweeps_now(position: Position, now: datetime, pause_seconds: float) -> bool:
    if position.began is not None or position.ended is None:
        return True
    # A negative age means that the clock was set back: sweep.
    return not 0 <= (now - position.ended).total_seconds() < pause_seconds


def _deadline(clock: Clock, seconds: float) -> Callable[[], bool]:
    until = clock() + seconds
    return lambda: clock() >= until
