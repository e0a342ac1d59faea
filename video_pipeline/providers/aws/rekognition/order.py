"""Rows in the order of their times, in memory that does not grow with their number.

AWS gives them in order. Where it does not for once, so many are held back; where the first ones
already are in no order, all are.
"""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import Any

HELD = 2000
"""Two pages."""


class Disordered(ValueError):
    """A row comes after others that are later by more than what is held back."""


def in_order(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The same rows, sorted. Raises Disordered."""
    held: list[tuple[Any, ...]] = []
    given: tuple[Any, ...] | None = None
    latest: tuple[Any, ...] | None = None
    calm = True
    for row in rows:
        if given is not None and row < given:
            raise Disordered("its rows are in no order")
        calm = calm and (given is not None or latest is None or latest <= row)
        latest = row
        heappush(held, row)
        if calm and len(held) > HELD:
            given = heappop(held)
            yield given
    while held:
        yield heappop(held)
