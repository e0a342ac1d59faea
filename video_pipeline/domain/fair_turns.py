"""Fair order of projects in a provider's pool, and the names and sums behind daily budgets."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction

from video_pipeline.domain.usage import Meter, Usage
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import WorkRequest

_METERED = frozenset({Meter.VIDEO_SECONDS, Meter.AUDIO_SECONDS})


def pool_name(request: WorkRequest, shared_by: str | None) -> str:
    """Return the pool of a request: plugin, account, region, and operations with a shared limit.

    Without `shared_by`, the operation has a pool of its own.
    """
    shared = request.operation if shared_by is None else shared_by
    return "/".join([request.plugin, request.account, request.region, shared])


def account_name(request: WorkRequest) -> str:
    """Return the account whose daily budget a request uses. An account belongs to one plugin."""
    return f"{request.plugin}/{request.account}"


def paid_seconds(planned: Iterable[Usage]) -> Fraction:
    """Return the billed seconds of video and audio. Each analysis counts."""
    metered = (u.quantity for u in planned if u.paid and u.meter in _METERED)
    return sum(metered, Fraction(0))


class Turn(Frozen):
    """One project in a pool: waiting units, slots held, and when it last got one."""

    waiting: int
    held: int = 0
    served: datetime | None = None


def turns(projects: Mapping[str, Turn]) -> Iterator[str]:
    """Yield the projects in the order in which their units get slots, once for each unit.

    Next is the project with the fewest slots; among equals, the one served longest ago. So the
    backlog of one project never delays another: between two of its turns, each other waiting
    project with no more slots gets one.
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
    """Return the position of the project's `number`-th unit in the pool, both counted from 1."""
    seen = 0
    for place, name in enumerate(turns(projects), 1):
        seen += name == project
        if seen == number:
            return place
    raise ValueError(f"{project} has fewer than {number} waiting units")


def _served(turn: Turn) -> float:
    return turn.served.timestamp() if turn.served else float("-inf")
