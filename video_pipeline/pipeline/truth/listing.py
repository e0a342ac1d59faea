"""Lists of findings of one kind: the first ones, and the count of the rest."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from video_pipeline.domain.results.findings import Finding, FindingKind
from video_pipeline.domain.time import TimeRange

# Findings of one kind that are listed one by one.
MOST = 10


class Listing:
    """Findings of one kind. Keeps the first MOST, and counts the others."""

    def __init__(self, kind: FindingKind) -> None:
        self._kind, self._found, self.count = kind, list[Finding](), 0
        self._rest: TimeRange | None = None

    def add(self, what: str, range: TimeRange | None = None) -> None:
        self.count += 1
        if len(self._found) < MOST:
            self._found.append(Finding(kind=self._kind, what=what, range=range))
        elif range is not None:
            start = self._rest.start if self._rest else range.start
            end = max(self._rest.end if self._rest else range.end, range.end)
            self._rest = TimeRange(start=min(start, range.start), end=end)

    def findings(self) -> Iterator[Finding]:
        """Yield the first ones, and one finding for all others."""
        yield from self._found
        if self.count > MOST:
            what = f"and {self.count - MOST:,} more"
            yield Finding(kind=self._kind, what=what, range=self._rest)


def listed(kind: FindingKind, found: Iterable[tuple[str, TimeRange]]) -> Sequence[Finding]:
    """Return the findings of one kind, of which few are listed one by one."""
    listing = Listing(kind)
    for what, range in found:
        listing.add(what, range)
    return tuple(listing.findings())


def seconds(start: float, end: float) -> TimeRange:
    """Return a range in milliseconds, for people."""
    first = Fraction(round(start * 1000), 1000)
    return TimeRange(start=first, end=max(first, Fraction(round(end * 1000), 1000)))
