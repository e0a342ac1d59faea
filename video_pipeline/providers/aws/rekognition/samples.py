"""Labels, objects, text, faces and moderation from the pictures that AWS looked at. Pure.

It looks at a few pictures a second, and gives each finding with the millisecond of its picture,
"not guaranteed to be accurate to the individual frame". So a finding holds from its picture to the
next one. A picture in which nothing was found has no row: where the next one with a finding is
more than a second away, the usual step is taken instead.

Findings with a box are one marker a picture: whoever links them to tracks has them so. A label
without one is one marker for as long as it is found in each picture, with its greatest confidence;
one that would keep too many others waiting for its end is cut, and goes on in a marker of its own.
"""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from heapq import heappop, heappush
from itertools import groupby
from typing import Any

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Box, Kind, Marker
from video_pipeline.domain.time import TimeRange
from video_pipeline.providers.aws.rekognition.order import in_order
from video_pipeline.providers.aws.rekognition.pages import Row, seconds

_USUAL_STEP = 500
_LONGEST_STEP = 1000
"""Milliseconds between two pictures."""
_HELD = 1000
"""So many markers at most wait for one that began before them and has not ended."""
_Finding = tuple[Kind, str | None, float, Box | None]
Findings = Callable[[Row], Iterator[_Finding]]


def sample_markers(media: MediaInfo, rows: Iterable[Row], findings: Findings) -> Iterator[Marker]:
    """The markers of some rows, each kind in the order of time. Raises ValueError, KeyError,
    TypeError."""
    open_labels = _Held()
    for start, end, found in _pictures(rows, findings):
        for kind, label, confidence, box in found:
            if box is None and label is not None:
                open_labels.seen(kind, label, start, end, confidence)
            else:
                yield from _marker(media, (kind, label, confidence, box), start, end)
        for finding, since, until in open_labels.ended(start):
            yield from _marker(media, finding, since, until)
    for finding, since, until in open_labels.ended(None):
        yield from _marker(media, finding, since, until)


def labels(row: Row) -> Iterator[_Finding]:
    """A label's instances are objects with a box; without any it is a label of the picture."""
    label = row["Label"]
    name, instances = str(label["Name"]), label.get("Instances") or ()
    if not instances:
        yield Kind.LABEL, name, _share(label["Confidence"]), None
    for one in instances:
        confidence = _share(one.get("Confidence", label["Confidence"]))
        yield Kind.OBJECT, name, confidence, _box(one["BoundingBox"])


def texts(row: Row) -> Iterator[_Finding]:
    """Lines; the words of a line are told again by themselves."""
    text = row["TextDetection"]
    if text["Type"] == "LINE":
        box = _box(text["Geometry"]["BoundingBox"])
        yield Kind.TEXT, str(text["DetectedText"]), _share(text["Confidence"]), box


def faces(row: Row) -> Iterator[_Finding]:
    """Where a face is, never whose."""
    face = row["Face"]
    yield Kind.FACE, None, _share(face["Confidence"]), _box(face["BoundingBox"])


def moderation(row: Row) -> Iterator[_Finding]:
    """A label of what may offend; those above it in the taxonomy have rows of their own."""
    label = row["ModerationLabel"]
    yield Kind.MODERATION, str(label["Name"]), _share(label["Confidence"]), None


FINDINGS: dict[str, Findings] = {
    "LabelDetection": labels,
    "TextDetection": texts,
    "FaceDetection": faces,
    "ContentModeration": moderation,
}


def _pictures(rows: Iterable[Row], findings: Findings) -> Iterator[tuple[int, int, list[_Finding]]]:
    """The findings of each picture, with the milliseconds from it to the next one."""
    numbered = ((int(row["Timestamp"]), n, list(findings(row))) for n, row in enumerate(rows))
    step, before = _USUAL_STEP, None
    for moment, group in groupby(in_order(numbered), key=lambda row: row[0]):
        found: list[_Finding] = [one for row in group for one in row[2]]
        if before is not None:
            gap = moment - before[0]
            step = gap if gap <= _LONGEST_STEP else step
            yield before[0], before[0] + step, before[1]
        before = moment, found
    if before is not None:
        yield before[0], before[0] + step, before[1]


class _Held:
    """Labels that may go on, and those that have ended but began after one that has not: markers
    of a kind are given in the order of their starts."""

    def __init__(self) -> None:
        self._open: dict[tuple[Kind, str], tuple[int, int, float]] = {}
        self._closed: list[tuple[int, str, int, Kind, float]] = []

    def seen(self, kind: Kind, label: str, start: int, end: int, confidence: float) -> None:
        """A label is found in the picture from `start` to `end`."""
        since, until, best = self._open.get((kind, label), (start, start, 0.0))
        if until < start:
            self._close(kind, label, (since, until, best))
            since, best = start, 0.0
        self._open[kind, label] = since, end, max(best, confidence)

    def ended(self, now: int | None) -> Iterator[tuple[_Finding, int, int]]:
        """Those that no picture from `now` on can lengthen, or come before; None: all."""
        for (kind, label), held in list(self._open.items()):
            if now is None or held[1] <= now:
                self._close(kind, label, held)
                del self._open[kind, label]
        yield from self._in_turn()
        while len(self._closed) > _HELD:
            oldest = min(self._open, key=lambda one: self._open[one][0])
            self._close(*oldest, self._open.pop(oldest))
            yield from self._in_turn()

    def _in_turn(self) -> Iterator[tuple[_Finding, int, int]]:
        """Those that have ended, up to the start of the first one that has not."""
        first = min((held[0] for held in self._open.values()), default=None)
        while self._closed and (first is None or self._closed[0][0] <= first):
            since, label, until, kind, confidence = heappop(self._closed)
            yield (kind, label, confidence, None), since, until

    def _close(self, kind: Kind, label: str, held: tuple[int, int, float]) -> None:
        heappush(self._closed, (held[0], label, held[1], kind, held[2]))


def _marker(media: MediaInfo, finding: _Finding, start: int, end: int) -> Iterator[Marker]:
    kind, label, confidence, box = finding
    since, until = max(seconds(start), Fraction(0)), min(seconds(end), media.duration)
    if since < until:
        yield Marker(
            kind=kind,
            range=TimeRange(start=since, end=until),
            label=label,
            confidence=confidence,
            box=box,
        )


def _share(percent: Any) -> float:
    return min(max(float(percent), 0.0), 100.0) / 100


def _box(found: Any) -> Box:
    """Clamped to the picture, beyond which AWS's boxes reach where an object does."""
    left, top = _within(found["Left"]), _within(found["Top"])
    right = _within(found["Left"] + found["Width"])
    bottom = _within(found["Top"] + found["Height"])
    return Box(left=left, top=top, width=max(0.0, right - left), height=max(0.0, bottom - top))


def _within(value: float) -> float:
    return min(max(float(value), 0.0), 1.0)
