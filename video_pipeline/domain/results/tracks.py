"""Boxes become tracks: one object, face or text over time, where the provider gives boxes alone.

Boxes of the same kind and label that lie on one another follow each other in a track. A track ends
at a cut and after a gap. Greedy, streaming and pure: only the tracks that may still go on are
kept. What providers call a track themselves stays as it is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from heapq import heappop, heappush

from video_pipeline.domain.results.markers import Box, Marker

LEAST_OVERLAP = 0.3
"""Intersection over union from which two boxes are one object's: the least that SORT takes (Bewley
et al., Simple Online and Realtime Tracking, ICIP 2016). Services look at a few frames a second, so
that more would tear apart what moves."""
LONGEST_GAP = Fraction(1)
"""Seconds without a box that a track outlasts: services look twice a second or oftener, so that one
look may miss it."""

_OURS = "linked-"
"""How names of tracks begin that were given here."""
_Name = tuple[str, str | None]
"""Kind and label: only boxes with the same ones are linked."""


def is_linked(marker: Marker) -> bool:
    """Whether a marker is a box that has no track yet, and is to have one."""
    return marker.box is not None and marker.track is None


def unlinked(marker: Marker) -> Marker:
    """The marker without the track that it was given here; what the provider named stays."""
    ours = marker.track is not None and marker.track.startswith(_OURS)
    return marker.model_copy(update={"track": None}) if ours else marker


def cuts_of(shots: Iterable[Marker]) -> Iterator[Fraction]:
    """Where shots start and end, in order; they come in the order of their starts."""
    ends: list[Fraction] = []
    for shot in shots:
        while ends and ends[0] <= shot.range.start:
            yield heappop(ends)
        yield shot.range.start
        heappush(ends, shot.range.end)
    while ends:
        yield heappop(ends)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union: 0 for boxes apart, 1 for the same one."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (one.width * one.height + other.width * other.height - common)


class Linker:
    """Links the boxes of one stream of markers.

    It keeps the tracks that may still go on, each by its latest box, and the moment that it has
    reached. `cuts` are in order, and begun to be read at the first box.
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
        """How many tracks it has begun."""
        return self._begun.total()

    def link(self, markers: Iterable[Marker]) -> Iterator[Marker]:
        """The markers, where boxes without a track have got one.

        Markers come in the order of their starts; a box is taken to be seen at the start of its
        range. One that comes late has a track of its own. Names of tracks are unique here, and
        those of one kind never are those of another.
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
        """The boxes of one moment, each with its track."""
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
        """Give up the tracks that end before a moment."""
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
        """Each box with the track whose latest box it covers best, the best pairs first."""
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
