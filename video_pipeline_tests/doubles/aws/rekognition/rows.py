"""Lazy rows: a count, and a pure function that makes a row from its number.

So 300,000 rows cost no more memory than one page of them.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """`count` rows, each made from its number."""

    count: int
    row: Callable[[int], Row]

    def part(self, start: int, stop: int) -> list[Row]:
        """Return the rows from number `start` up to `stop`, exclusive."""
        return [self.row(number) for number in range(start, min(stop, self.count))]

    def ordered(self, order: Callable[[int], int]) -> "Rows":
        """Return the rows in another order: number n is the row order(n)."""
        return Rows(self.count, lambda number: self.row(order(number)))

    def then(self, others: "Rows") -> "Rows":
        """Return these rows followed by others."""

        def row(number: int) -> Row:
            return self.row(number) if number < self.count else others.row(number - self.count)

        return Rows(self.count + others.count, row)

    def shuffled(self) -> "Rows":
        """Return the rows shuffled: by steps of a size that reaches each row once."""
        step = max(1, self.count * 5 // 8)
        while gcd(step, self.count) != 1:
            step += 1
        return self.ordered(lambda number: number * step % self.count)


def listed(rows: Sequence[Row]) -> Rows:
    """Return existing rows as Rows."""
    return Rows(len(rows), rows.__getitem__)


def chance(*seed: object) -> float:
    """Return a number in [0, 1) that is always the same for the same seed."""
    said = "\x1f".join(map(str, seed)).encode()
    return int.from_bytes(hashlib.blake2b(said, digest_size=6).digest()) / 2**48


def confidence(least: float, *seed: object) -> float:
    """Return a confidence from `least` to 100, in percent."""
    return round(least + (100 - least) * chance(*seed), 4)
