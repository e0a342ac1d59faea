"""Reading raw pages: one of them in memory at a time. Pure."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from video_pipeline.providers.aws.rekognition.analyses import Analysis

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What AWS says of the video stream that it chose to analyse."""

    milliseconds: int | None
    frames_a_second: float | None


def page_of(raw: bytes) -> Row:
    """A page. Raises ValueError for what is none."""
    page: Any = json.loads(raw)
    if not isinstance(page, dict):
        raise ValueError("a page is no object")
    return page


def metadata_of(page: Row) -> Metadata:
    """Repeated on every page: a list for segments, one object elsewhere."""
    found: Any = page.get("VideoMetadata") or {}
    one: Any = found[0] if isinstance(found, list) else found
    return Metadata(one.get("DurationMillis"), one.get("FrameRate"))


def rows_of(page: Row, analysis: Analysis) -> list[Row]:
    """The rows of a page. Raises ValueError where it is none of this analysis."""
    rows: Any = page.get(analysis.rows)
    if not isinstance(rows, list):
        raise ValueError(f"a page holds no {analysis.rows}")
    return rows


def read(pages: Iterable[bytes], analysis: Analysis) -> tuple[Metadata, Iterator[Row]]:
    """What the first page says of the video, and all rows. Raises ValueError, at the first page
    or as rows are taken."""
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
    """Exact seconds."""
    return Fraction(int(milliseconds), 1000)
