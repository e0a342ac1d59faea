"""Reading raw pages, one of them in memory at a time, and their rows in the order of time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from typing import Any

from video_pipeline.domain.values import read_json
from video_pipeline.providers.aws.rekognition.analyses import Analysis

Row = dict[str, Any]
# Two pages: so many rows are held back to be sorted.
HELD = 2000


@dataclass(frozen=True, slots=True)
class Metadata:
    """AWS's facts of the video stream that it analysed."""

    milliseconds: int | None
    frames_a_second: float | None


def page_of(raw: bytes) -> Row:
    """Return a page. Raises ValueError if it is not a JSON object."""
    page: Any = read_json(raw)
    if not isinstance(page, dict):
        raise ValueError("a page is no object")
    return page


def metadata_of(page: Row) -> Metadata:
    """Return the metadata of a page, where it is a list for segments, else one object."""
    found: Any = page.get("VideoMetadata") or {}
    one: Any = found[0] if isinstance(found, list) else found
    return Metadata(one.get("DurationMillis"), one.get("FrameRate"))


def rows_of(page: Row, analysis: Analysis) -> list[Row]:
    """Return the rows of a page. Raises ValueError for a page of another analysis."""
    rows: Any = page.get(analysis.rows)
    if not isinstance(rows, list):
        raise ValueError(f"a page holds no {analysis.rows}")
    return rows


def read(pages: Iterable[bytes], analysis: Analysis) -> tuple[Metadata, Iterator[Row]]:
    """Return the metadata of the first page, and all rows. Raises ValueError, also while rows are
    read."""
    rest = iter(pages)
    first = next(rest, None)
    if first is None:
        raise ValueError("there is no page")
    page = page_of(first)

    def rows() -> Iterator[Row]:
        yield from rows_of(page, analysis)
        for raw in rest:
            yield from rows_of(page_of(raw), analysis)

    return metadata_of(page), rows()


def seconds(milliseconds: int) -> Fraction:
    return Fraction(int(milliseconds), 1000)


class Disordered(ValueError):
    """A row comes too late to be sorted in."""


def in_order(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows sorted by time. Raises Disordered.

    AWS sends them in order. Where it does not for once, `HELD` rows are held back; where the first
    ones are already in disorder, all are.
    """
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
