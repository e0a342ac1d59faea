"""Linking boxes to tracks of one object, face or text, for providers that give boxes alone.

Overlapping boxes of the same kind and label form a track, which ends at a cut or after a gap. The
algorithm is greedy and streaming: it keeps only open tracks. Providers' own tracks stay.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from heapq import heappop, heappush

from video_pipeline.domain.results.markers import Box, Kind, Marker

# Intersection over union from which two boxes show one object: the minimum of SORT (Bewley et al.,
# Simple Online and Realtime Tracking, ICIP 2016). Services sample a few frames a second, so a
# higher one would split tracks of moving objects.
LEAST_OVERLAP = 0.3
# Seconds without a box that a track survives: services sample at least twice a second, so one
# sample may miss the object.
LONGEST_GAP = Fraction(1)

# The prefix of names given here.
_OURS = "linked-"
# Kind and label: only boxes with the same ones are linked.
_Name = tuple[str, str | None]


def is_linked(marker: Marker) -> bool:
    """Return whether a marker is a box without a track."""
    return marker.box is not None and marker.track is None


def unlinked(marker: Marker) -> Marker:
    """Return the marker without a track that was named here. A provider's own track stays."""
    ours = marker.track is not None and marker.track.startswith(_OURS)
    return marker.model_copy(update={"track": None}) if ours else marker


def cuts_of(markers: Iterable[Marker]) -> Iterator[Fraction]:
    """Yield the starts and ends of the shots in order. Markers must be ordered by start."""
    ends: list[Fraction] = []
    for shot in markers:
        if shot.kind != Kind.SHOT:
            continue
        while ends and ends[0] <= shot.range.start:
            yield heappop(ends)
        yield shot.range.start
        heappush(ends, shot.range.end)
    while ends:
        yield heappop(ends)


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union: 0 for disjoint boxes, 1 for equal ones."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (one.width * one.height + other.width * other.height - common)


class Linker:
    """Links the boxes of one stream of markers.

    Keeps the latest box of each open track. `cuts` must be in order; reading them begins at the
    first box.
    """

    def __init__(self, cuts: Iterable[Fraction]) -> None:
        self._cuts = cuts
        self._next_cuts: Iterator[Fraction] = iter(())
        self._cut: Fraction | None = None
        self._now: Fraction | None = None
        self._open: dict[_Name, list[Marker]] = {}
        self._begun = Counter[str]()

    @property
    def tracks(self) -> int:
        """Return the number of tracks begun."""
        return self._begun.total()

    def link(self, markers: Iterable[Marker]) -> Iterator[Marker]:
        """Yield the markers, with a track for each box that had none.

        Markers must be ordered by start; a box counts as seen at the start of its range. A box out
        of order begins a track. Names of tracks are unique across kinds.
        """
        moment: list[Marker] = []
        for marker in markers:
            if not is_linked(marker):
                yield marker
                continue
            if moment and moment[0].range.start != marker.range.start:
                yield from self._link(moment)
                moment = []
            moment.append(marker)
        yield from self._link(moment)

    def _link(self, boxes: Sequence[Marker]) -> Iterator[Marker]:
        """Yield the boxes of one moment with their tracks."""
        if not boxes:
            return
        start = boxes[0].range.start
        if self._now is not None and start <= self._now:
            yield from map(self._begin, boxes)
            return
        self._go_on_to(start)
        named = defaultdict[_Name, list[int]](list)
        for place, box in enumerate(boxes):
            named[box.kind, box.label].append(place)
        linked = dict[int, Marker]()
        for name, places in named.items():
            found = self._follow(self._open.get(name, []), [boxes[place] for place in places])
            linked.update(zip(places, found, strict=True))
            left = {box.track for box in found}
            others = [last for last in self._open.get(name, []) if last.track not in left]
            self._open[name] = others + found
        yield from (linked[place] for place in range(len(boxes)))

    def _go_on_to(self, start: Fraction) -> None:
        """Close the tracks that end before a moment."""
        if self._now is None:
            self._next_cuts = iter(self._cuts)
            self._cut = next(self._next_cuts, None)
        self._now, is_cut = start, False
        while self._cut is not None and self._cut <= start:
            self._cut, is_cut = next(self._next_cuts, None), True
        if is_cut:
            self._open.clear()
        for name, lasts in list(self._open.items()):
            self._open[name] = [last for last in lasts if _may_go_on(last, start)]
            if not self._open[name]:
                del self._open[name]

    def _follow(self, lasts: Sequence[Marker], boxes: Sequence[Marker]) -> list[Marker]:
        """Return each box with the track whose latest box it overlaps most, best pairs first."""
        pairs = sorted(
            (-common, before, after)
            for before, last in enumerate(lasts)
            for after, box in enumerate(boxes)
            if (common := _common(last, box)) >= LEAST_OVERLAP
        )
        followed, tracks = set[int](), dict[int, str | None]()
        for _, before, after in pairs:
            if before not in followed and after not in tracks:
                followed.add(before)
                tracks[after] = lasts[before].track
        return [
            box.model_copy(update={"track": tracks[after]}) if after in tracks else self._begin(box)
            for after, box in enumerate(boxes)
        ]

    def _begin(self, box: Marker) -> Marker:
        self._begun[box.kind] += 1
        return box.model_copy(update={"track": f"{_OURS}{box.kind}-{self._begun[box.kind]}"})


def _may_go_on(last: Marker, start: Fraction) -> bool:
    return start - last.range.end <= LONGEST_GAP


def _common(one: Marker, other: Marker) -> float:
    return overlap(one.box, other.box) if one.box and other.box else 0.0
