"""One round of arrivals: what waits for a second look, what notices tell, a slice of the sweep.

A round is bounded in time and number whatever has piled up. Where one source of arrivals has
trouble, the others go on; what was not seen to stays where it is, for the next round.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import Field

from video_pipeline.domain.errors import (
    CatalogUnavailable,
    NoticesError,
    PipelineError,
    StorageUnavailable,
)
from video_pipeline.domain.values import Frozen
from video_pipeline.pipeline.arrivals.listing_sweep import Position, Troubles, sweep_on
from video_pipeline.pipeline.arrivals.look import Looks
from video_pipeline.pipeline.arrivals.notifications import Heard, take_up
from video_pipeline.pipeline.arrivals.pending_runs import Requested
from video_pipeline.pipeline.arrivals.removal import Allowance
from video_pipeline.pipeline.services import Services

AGAIN_SECONDS, HEARING_SECONDS, SWEEPING_SECONDS = 5.0, 15.0, 15.0
"""The most of a round for second looks, for notices and for the sweep."""
ROUND_SECONDS = 45.0
"""The most of a round with the removals that follow it. Dagster gives a tick 60 seconds."""
PAUSE_SECONDS = 900.0
"""Between two sweeps where notices tell of arrivals, unless pipeline.yaml says otherwise."""
_QUEUE = "the queue"

Clock = Callable[[], float]
"""Seconds that only go forward."""


class Memory(Frozen):
    """What one round remembers for the next; kept together with the runs that it requests."""

    position: Position = Position()
    pending: dict[str, str] = Field(default_factory=dict)
    """Object key to version: has to look the same at the next look."""
    requested: tuple[Requested, ...] = ()


@dataclass
class Round:
    """What a round found."""

    looks: Looks
    position: Position
    heard: Heard = field(default_factory=Heard)
    troubles: Troubles = field(default_factory=dict[str, str])


def receive(
    services: Services, memory: Memory, now: datetime, clock: Clock = time.monotonic
) -> Round:
    """Look for arrivals once. Raises CatalogUnavailable, before any message is taken."""
    # MongoDB keeps milliseconds: times are compared with those that come back from it.
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    services.catalog.projects()
    allowance = Allowance(late=_deadline(clock, ROUND_SECONDS))
    found = Round(Looks(services, now, allowance), memory.position)
    _look_again(found, memory.pending, _deadline(clock, AGAIN_SECONDS))
    _hear(services, found, _deadline(clock, HEARING_SECONDS))
    if _sweeps_now(services, memory.position, now):
        _sweep(services, found, _deadline(clock, SWEEPING_SECONDS))
    return found


def _look_again(found: Round, pending: Mapping[str, str], late: Callable[[], bool]) -> None:
    """What there is no time for is left to the next round."""
    left = dict(pending)
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
            # The sweep comes upon the object again.
        del left[object_key]
    found.looks.pending = left | found.looks.pending


def _hear(services: Services, found: Round, late: Callable[[], bool]) -> None:
    if services.notices is None:
        return
    try:
        take_up(found.looks, services.notices, found.heard, late, found.troubles)
    except NoticesError as error:
        found.troubles[_QUEUE] = str(error)


def _sweep(services: Services, found: Round, late: Callable[[], bool]) -> None:
    keys = services.arrivals.keys_a_tick
    try:
        found.position = sweep_on(found.looks, found.position, keys, late, found.troubles)
    except CatalogUnavailable:
        raise
    except PipelineError as error:
        found.troubles[""] = str(error)


def _sweeps_now(services: Services, position: Position, now: datetime) -> bool:
    pause = services.arrivals.pause_seconds
    if pause is None:
        pause = 0 if services.notices is None else PAUSE_SECONDS
    if position.began is not None or position.ended is None:
        return True
    # A clock that was set back must not stop the sweeps.
    return not 0 <= (now - position.ended).total_seconds() < pause


def _deadline(clock: Clock, seconds: float) -> Callable[[], bool]:
    until = clock() + seconds
    return lambda: clock() >= until
