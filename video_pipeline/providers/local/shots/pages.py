"""The one raw page of a pass for shots, and the shots in it."""

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Literal, TypeVar

from pydantic import ValidationError

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.values import Frozen, Rational
from video_pipeline.domain.work import WorkRequest

FoundBy = Literal["cut", "dissolve", "fade"]


class Boundary(Frozen):
    """The first frame of a shot."""

    frame: int
    start: Rational
    found_by: FoundBy


class Page(Frozen):
    """What a pass found."""

    frames: int
    end: Rational
    boundaries: tuple[Boundary, ...]


_Page = TypeVar("_Page", bound=Page)


def written(page: Page) -> bytes:
    """Return the page as it is stored."""
    return json.dumps(page.model_dump(mode="json"), separators=(",", ":")).encode()


def page_of(pages: Iterable[bytes], form: type[_Page], request: WorkRequest) -> _Page:
    """Return the one stored page. Raises ProviderError if it cannot be read."""
    try:
        (page,) = (form.model_validate_json(page) for page in pages)
    except (ValidationError, ValueError) as error:
        raise ProviderError(
            "the stored page of a pass for shots cannot be read",
            category=FailureCategory.MALFORMED_RESULT,
            remedy="Analyse the video again.",
            where=str(request.key),
        ) from error
    return page


def shots_of(page: Page, media: MediaInfo) -> Iterator[Marker]:
    """Yield the shots, from the first frame to the end of the video without a gap."""
    end = min(page.end, media.duration)
    starts = [Fraction(0), *(boundary.start for boundary in page.boundaries), end]
    for start, after in pairwise(starts):
        if start < after:
            yield Marker(kind=Kind.SHOT, range=TimeRange(start=start, end=min(after, end)))
