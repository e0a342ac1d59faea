"""The choice of pictures: which stretches of a video have one, and the best candidate of each.

All of it is pure.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.time import TimeRange
from video_pipeline.pipeline.pictures.candidates import Rated

# More stretches than this have no picture: the longest have one.
MOST_PICTURES = 1000
# A longer shot has several pictures. Without shots, a picture stands for at most the second.
LONGEST_OF_SHOT, LONGEST_WITHOUT_SHOTS = Fraction(60), Fraction(10)
# Darker is black, and with less contrast blank: fog and night scenes have more than this.
_LEAST_LUMA, _LEAST_CONTRAST = 12.0, 5.0
# Of the sharpest candidates, which differ by noise, the one nearest to the middle is taken.
_AS_SHARP = 0.9


class Stretch(NamedTuple):
    """A range of the video that one picture stands for, and the number of its shot from 0."""

    range: TimeRange
    shot: int | None


def stretches(
    length: Fraction, markers: Iterable[Marker], changes: Iterable[Fraction]
) -> list[Stretch]:
    """Return the stretches of a video: its shots, or else what lies between changes of picture."""
    shots = [marker.range for marker in markers if marker.kind == Kind.SHOT]
    numbered = list(enumerate(shots))
    longest = LONGEST_OF_SHOT
    if not shots:
        edges = sorted({Fraction(0), length, *(at for at in changes if 0 < at < length)})
        numbered = [(None, TimeRange(start=a, end=b)) for a, b in pairwise(edges)]
        longest = LONGEST_WITHOUT_SHOTS
    longest = max(longest, length / (MOST_PICTURES // 2))
    return [Stretch(part, shot) for shot, whole in numbered for part in _parts(whole, longest)]


def _parts(whole: TimeRange, longest: Fraction) -> Iterator[TimeRange]:
    count = max(1, -(-whole.duration // longest))
    step = whole.duration / count
    for number in range(int(count)):
        start = whole.start + number * step
        yield TimeRange(start=start, end=start + step)


def longest_of(found: Sequence[Stretch]) -> list[Stretch]:
    """Return at most MOST_PICTURES stretches, the longest, in their order."""
    by_length = sorted(found, key=lambda one: one.range.duration, reverse=True)
    return sorted(by_length[:MOST_PICTURES], key=lambda one: one.range.start)


def without_candidate(found: Iterable[Stretch], candidates: Sequence[Rated]) -> list[Stretch]:
    """Return the stretches within which no candidate lies."""
    return [one for one in found if not _within(one.range, candidates)]


def best(
    range: TimeRange, candidates: Sequence[Rated], transitions: Sequence[TimeRange] = ()
) -> Rated | None:
    """Return the best candidate of a range, or the nearest if none lies within.

    Those outside of transitions come first, then those neither black nor blank, then the sharpest.
    Returns None without any candidate.
    """
    middle = (range.start + range.end) / 2
    within = _within(range, candidates)
    if not within:
        return min(candidates, key=lambda one: abs(one.at - middle), default=None)
    steady = [one for one in within if not any(each.contains(one.at) for each in transitions)]
    shown = [one for one in steady or within if _shows_something(one)] or steady or within
    sharp = max(one.sharpness for one in shown) * _AS_SHARP
    sharpest = [one for one in shown if one.sharpness >= sharp]
    return min(sharpest, key=lambda one: abs(one.at - middle))


def _within(range: TimeRange, candidates: Sequence[Rated]) -> Sequence[Rated]:
    first = bisect_left(candidates, range.start, key=lambda one: one.at)
    return candidates[first : bisect_left(candidates, range.end, key=lambda one: one.at)]


def _shows_something(candidate: Rated) -> bool:
    return candidate.luma >= _LEAST_LUMA and candidate.contrast >= _LEAST_CONTRAST
