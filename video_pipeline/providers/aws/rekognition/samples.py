"""Labels, objects, text, faces and moderation from the frames that AWS sampled. Pure.

AWS samples two frames a second or more, and gives each finding the millisecond of its frame, "not
guaranteed to be accurate to the individual frame". So a finding lasts until the next sample. A
sample without findings has no row: if the next row is more than a step and a half away, one was
missing between them, and the finding lasts for the usual step. A video of fewer frames a second has
a longer step.

Findings with a box are one marker a sample, to be linked to tracks later. A label without a box is
one marker for as long as it is found in each sample, with its greatest confidence. A label that
would delay too many others until its end is cut, and continues in another marker.
"""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from heapq import heappop, heappush
from itertools import groupby
from typing import Any

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Box, Kind, Marker
from video_pipeline.domain.time import TimeRange
from video_pipeline.providers.aws.rekognition.pages import Row, in_order, seconds

# Milliseconds between two samples.
_USUAL_STEP = 500
# The most markers that wait for one that began before them and has not ended.
_HELD = 1000
_Finding = tuple[Kind, str | None, float, Box | None]
Findings = Callable[[Row], Iterator[_Finding]]


def sample_markers(media: MediaInfo, rows: Iterable[Row], findings: Findings) -> Iterator[Marker]:
    """Yield the markers of rows, each kind in the order of time. Raises ValueError, KeyError,
    TypeError."""
    open_labels = _Held()
    for start, end, found in _samples(rows, findings, _step(media)):
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
    """Yield a label's instances as objects with a box, or the label of the whole frame."""
    label = row["Label"]
    name, instances = str(label["Name"]), label.get("Instances") or ()
    if not instances:
        yield Kind.LABEL, name, _share(label["Confidence"]), None
    for one in instances:
        confidence = _share(one.get("Confidence", label["Confidence"]))
        yield Kind.OBJECT, name, confidence, _box(one["BoundingBox"])


def texts(row: Row) -> Iterator[_Finding]:
    """Yield lines; the rows of single words repeat them."""
    text = row["TextDetection"]
    if text["Type"] == "LINE":
        box = _box(text["Geometry"]["BoundingBox"])
        yield Kind.TEXT, str(text["DetectedText"]), _share(text["Confidence"]), box


def faces(row: Row) -> Iterator[_Finding]:
    """Yield where a face is, never whose."""
    face = row["Face"]
    yield Kind.FACE, None, _share(face["Confidence"]), _box(face["BoundingBox"])


def moderation(row: Row) -> Iterator[_Finding]:
    """Yield a moderation label; its parents in the taxonomy have rows of their own."""
    label = row["ModerationLabel"]
    yield Kind.MODERATION, str(label["Name"]), _share(label["Confidence"]), None


FINDINGS: dict[str, Findings] = {
    "LabelDetection": labels,
    "TextDetection": texts,
    "FaceDetection": faces,
    "ContentModeration": moderation,
}


def _step(media: MediaInfo) -> int:
    """Return the usual milliseconds between two samples of a video."""
    frame = media.video.frame_rate.start_of(1) if media.video else Fraction(0)
    return max(_USUAL_STEP, round(frame * 1000))


def _samples(
    rows: Iterable[Row], findings: Findings, step: int
) -> Iterator[tuple[int, int, list[_Finding]]]:
    """Yield start, end and findings of each sample, in milliseconds."""
    numbered = ((int(row["Timestamp"]), n, list(findings(row))) for n, row in enumerate(rows))
    before = None
    for moment, group in groupby(in_order(numbered), key=lambda row: row[0]):
        found: list[_Finding] = [one for row in group for one in row[2]]
        if before is not None:
            adjoining = moment - before[0] <= step * 3 // 2
            yield before[0], moment if adjoining else before[0] + step, before[1]
        before = moment, found
    if before is not None:
        yield before[0], before[0] + step, before[1]


class _Held:
    """Labels that have not ended, and ended ones that began later: markers of a kind are yielded in
    the order of their starts."""

    def __init__(self) -> None:
        self._open: dict[tuple[Kind, str], tuple[int, int, float]] = {}
        self._closed: list[tuple[int, str, int, Kind, float]] = []

    def seen(self, kind: Kind, label: str, start: int, end: int, confidence: float) -> None:
        """Note a label in the sample from `start` to `end`."""
        since, until, best = self._open.get((kind, label), (start, start, 0.0))
        if until < start:
            self._close(kind, label, (since, until, best))
            since, best = start, 0.0
        self._open[kind, label] = since, end, max(best, confidence)

    def ended(self, now: int | None) -> Iterator[tuple[_Finding, int, int]]:
        """Yield the labels that no sample from `now` on can extend or precede; None: all."""
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
        """Yield the ended labels, up to the start of the first one that has not ended."""
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
    """Return the box clamped to the frame: AWS's boxes may reach beyond it."""
    left, top = _within(found["Left"]), _within(found["Top"])
    right = _within(found["Left"] + found["Width"])
    bottom = _within(found["Top"] + found["Height"])
    return Box(left=left, top=top, width=max(0.0, right - left), height=max(0.0, bottom - top))


def _within(value: float) -> float:
    return min(max(float(value), 0.0), 1.0)
