"""Markers against the frame and the picture, one by one: memory does not grow with boxes."""

from array import array
from collections.abc import Iterable, Iterator

import numpy as np

from video_pipeline.domain.results.findings import Finding, FindingKind
from video_pipeline.domain.results.markers import Box, Kind, Marker
from video_pipeline.pipeline.truth.listing import Listing
from video_pipeline.pipeline.truth.pictures import apart, seen
from video_pipeline.plugins.signals import PictureSignals

# How far a box may reach out of the frame, as rounding does.
_OUT = 0.02
# The precision of the services' numbers: less is not cut off.
_NOTHING = 1e-6


class MarkerWatch:
    """Watches one pass over the markers of a phase. Keeps the times of shots and nothing else."""

    def __init__(self) -> None:
        self._outside = Listing(FindingKind.BOX_OUTSIDE)
        self._starts, self._ends = array("d"), array("d")

    def watched(self, markers: Iterable[Marker]) -> Iterator[Marker]:
        """Yield the markers unchanged, as they came from the provider."""
        for marker in markers:
            if marker.kind == Kind.SHOT:
                self._starts.append(float(marker.range.start))
                self._ends.append(float(marker.range.end))
            elif marker.box is not None and (out := _reaches_out(marker.box)) > _OUT:
                what = f"a box reaches out of the frame by {out:.0%} of its side"
                self._outside.add(what, marker.range)
            yield marker

    def boxes(self) -> Iterator[Finding]:
        """Yield the boxes outside the frame."""
        yield from self._outside.findings()

    def shots(self, pictures: PictureSignals | None) -> Iterator[Finding]:
        """Yield what is wrong with the shots, by themselves and against the picture."""
        starts, ends = np.array(self._starts), np.array(self._ends)
        yield from apart(starts, ends)
        if pictures is not None:
            yield from seen(starts, ends, pictures)


def in_frame(marker: Marker) -> Marker:
    """Return the marker with its box cut off at the frame."""
    box = marker.box
    if box is None or _reaches_out(box) <= _NOTHING:
        return marker
    width, height = min(box.width, 1 - box.left), min(box.height, 1 - box.top)
    cut = Box(left=box.left, top=box.top, width=width, height=height)
    return marker.model_copy(update={"box": cut})


def _reaches_out(box: Box) -> float:
    """Return how far a box reaches out of the frame, as a part of the frame's side."""
    return max(box.left + box.width, box.top + box.height) - 1
