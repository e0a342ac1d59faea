"""Whose request is made next where a provider runs only so many at once, and what a day may cost.

Pure: who waits, who holds what and how much was used is told to these functions.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction

from video_pipeline.domain.usage import Meter, Usage
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import WorkRequest

_METERED = frozenset({Meter.VIDEO_SECONDS, Meter.AUDIO_SECONDS})


def pool_name(request: WorkRequest, shared_by: str | None) -> str:
    """The pool from which a request takes its slot: of one plugin, account and region, and of the
    operations that count together; where nothing bounds them, the operation's own."""
    shared = request.operation if shared_by is None else shared_by
    return "/".join([request.plugin, request.account, request.region, shared])


def account_name(request: WorkRequest) -> str:
    """Whose paid minutes a request counts among: an account is one plugin's."""
    return f"{request.plugin}/{request.account}"


def paid_seconds(planned: Iterable[Usage]) -> Fraction:
    """The seconds of video and audio that are billed, each as often as it is analysed."""
    metered = (u.quantity for u in planned if u.paid and u.meter in _METERED)
    return sum(metered, Fraction(0))


class Turn(Frozen):
    """How one project stands in a pool."""

    waiting: int
    """Units that wait for a slot."""
    held: int = 0
    """Slots that it holds."""
    served: datetime | None = None
    """When it last got one."""


def turns(projects: Mapping[str, Turn]) -> Iterator[str]:
    """The projects in the order in which their waiting units get slots, once for each unit.

    Next is the project that holds the fewest; of several, the one that was not served for longest.
    What one project has waiting never holds up another's: between two of its turns each other
    project that waits and holds no more gets one.
    """
    order = sorted(projects, key=lambda name: (_served(projects[name]), name))
    heap = [(projects[name].held, place, name) for place, name in enumerate(order)]
    left = {name: turn.waiting for name, turn in projects.items()}
    heap = [entry for entry in heap if left[entry[2]] > 0]
    heapq.heapify(heap)
    place = len(order)
    while heap:
        held, _, name = heapq.heappop(heap)
        yield name
        left[name] -= 1
        if left[name]:
            heapq.heappush(heap, (held + 1, place, name))
            place += 1


def place_of(projects: Mapping[str, Turn], project: str, number: int) -> int:
    """In which place the project's `number`-th unit stands, both counted from 1."""
    seen = 0
    for place, name in enumerate(turns(projects), 1):
        seen += name == project
        if seen == number:
            return place
    raise ValueError(f"{project} has no {number} units that wait")


def _served(turn: Turn) -> float:
    return turn.served.timestamp() if turn.served else float("-inf")
