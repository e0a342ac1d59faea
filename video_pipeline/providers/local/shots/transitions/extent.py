"""From which frame to which a transition changes the picture, around its likeliest frame.

The picture may move before and after it, and other transitions may be near. So the narrowest window
is taken in which the change comes to rest on both sides.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from video_pipeline.providers.local.shots.pages import FoundBy
from video_pipeline.providers.local.shots.pictures import Picture, contrast, distance, likeness

# Frames to each side of the likeliest one, narrowest window first.
_REACHES = (4, 6, 9, 13, 18, 25, 34, 48)
# Share of a window in which the change must be at rest on each side.
_AT_REST = 0.08
# A plain colour, in levels of contrast: where one end is, the transition is a fade.
_FLAT = 5.0
# Change from one frame to the next, in levels, from which it is not gradual: a flash.
_JUMP = 40.0
# The way from one end to the other, gone to and fro, as a multiple: more is a flicker.
_MOST_TO_AND_FRO = 2.0
# Less change between the ends, in levels, or more likeness, is no transition: exposure, a title.
_LEAST_CHANGE = 6.0
_MOST_LIKENESS = 0.95
# Frames within which a fade's other side rises, and by which at least it has risen by half: else it
# is a cut.
_MOST_RISE, _LEAST_RISE = 32, 1

PictureAt = Callable[[int], Picture]


@dataclass(frozen=True, slots=True)
class Transition:
    """The first and last frame that are changed, from 0; of a cut, the first one after it."""

    first: int
    last: int
    label: FoundBy

    @property
    def middle(self) -> int:
        return (self.first + self.last + 1) // 2


def extent(peak: int, picture: PictureAt, within: tuple[int, int]) -> Transition | None:
    """Return the transition with its likeliest frame at `peak`, or None if little changes there.

    `within` are the first and last frame that `picture` knows.
    """
    while peak > within[0] and contrast(picture(peak)) < _FLAT:
        peak -= 1
    found = None
    for reach in _REACHES:
        first, last = (_end(peak, picture, way * reach, within) for way in (-1, 1))
        shown = [picture(number) for number in range(first, last + 1)]
        if first == last or not _differ(shown[0], shown[-1]):
            continue
        shares = _shares(shown)
        if sum(abs(b - a) for a, b in pairwise(shares)) > _MOST_TO_AND_FRO:
            continue
        start, end = _steep(shares)
        plain = [contrast(ending) < _FLAT for ending in (shown[0], shown[-1])]
        found = _named(first, (start, end), plain)
        if found.label == "fade":
            before = _beyond(first, picture, -1, within) if plain[0] else found.first
            after = _beyond(last, picture, 1, within) if plain[1] else found.last
            found = Transition(min(found.first, before), max(found.last, after), "fade")
        rest = max(1.0, _AT_REST * len(shown))
        if (plain[0] or start >= rest) and (plain[1] or len(shown) - 1 - end >= rest):
            break
    return found


def _named(first: int, change: tuple[float, float], plain: Sequence[bool]) -> Transition:
    """Return the transition whose change begins and ends that many frames after `first`."""
    start, end = math.floor(change[0] + 1e-6) + 1, math.ceil(change[1] - 1e-6) - 1
    if end <= start:
        return Transition(first + max(start, end), first + max(start, end), "cut")
    return Transition(first + start, first + end, "fade" if any(plain) else "dissolve")


def _end(peak: int, picture: PictureAt, reach: int, within: tuple[int, int]) -> int:
    """Return the frame so far from the peak, or the first plain one that is reached gradually."""
    way = 1 if reach > 0 else -1
    end = min(max(peak + reach, within[0]), within[1])
    before = picture(peak)
    for number in range(peak + way, end + way, way):
        now = picture(number)
        if contrast(now) < _FLAT and distance(before, now) < _JUMP:
            return number
        before = now
    return end


def _differ(before: Picture, after: Picture) -> bool:
    plain = min(contrast(before), contrast(after)) < _FLAT
    alike = not plain and likeness(before, after) > _MOST_LIKENESS
    return distance(before, after) >= _LEAST_CHANGE and not alike


def _shares(shown: Sequence[Picture]) -> list[float]:
    """Return how much of the way from the first to the last picture is gone at each."""
    before, way = shown[0], shown[-1] - shown[0]
    return [float((now - before) @ way) / float(way @ way) for now in shown]


def _steep(shares: Sequence[float]) -> tuple[float, float]:
    """Return where the change begins and ends, by when a quarter and three quarters are done."""
    half = next(n for n, share in enumerate(shares) if share >= 0.5)
    low = next(n for n in range(half - 1, -1, -1) if shares[n] <= 0.25)
    high = next(n for n in range(half, len(shares)) if shares[n] >= 0.75)
    quarter = low + (0.25 - shares[low]) / (shares[low + 1] - shares[low])
    rest = high - (shares[high] - 0.75) / (shares[high] - shares[high - 1])
    return quarter - (rest - quarter) / 2, rest + (rest - quarter) / 2


def _beyond(plain: int, picture: PictureAt, way: int, within: tuple[int, int]) -> int:
    """Return the last changed frame on the other side of a plain colour; `plain` if it is cut to
    the next picture, or nothing follows."""
    number = plain
    while within[0] <= number <= within[1] and contrast(picture(number)) < _FLAT:
        number += way
    if not within[0] <= number <= within[1]:
        return plain
    most = min(max(number + way * _MOST_RISE, within[0]), within[1])
    colour = picture(number - way)
    far = [distance(colour, picture(n)) for n in range(number, most + way, way)]
    half = next((n for n, away in enumerate(far) if away >= max(far) / 2), 0)
    return number + way * min(2 * half, len(far) - 1) if half >= _LEAST_RISE else plain
