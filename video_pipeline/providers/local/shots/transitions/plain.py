"""Stretches of one plain colour, such as black between two shots."""

from dataclasses import dataclass

from video_pipeline.providers.local.shots.pictures import (
    Picture,
    Recent,
    contrast,
    distance,
    likeness,
)

# Contrast below which there is nothing to see.
_FLAT = 3.0
# Mean level up to which a plain colour is black, as video range leaves it.
_MOST_BLACK = 24.0
# The same picture as before: at most this far in levels, and at least so like.
_SAME, _ALIKE = 12.0, 0.9


@dataclass(frozen=True, slots=True)
class Plain:
    """Frames `first` to before `after` of one colour."""

    first: int
    after: int
    black: bool
    interrupts: bool
    """Whether the picture after it is the one before it."""


class PlainColours:
    """Takes every frame once, in order; `found` holds the stretches."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent
        self._first: int | None = None
        self._black = True
        self._before: Picture | None = None
        self.found: list[Plain] = []

    def look(self) -> None:
        """Take the newest frame into account."""
        newest = self._recent.after - 1
        picture = self._recent.at(newest)
        if contrast(picture) >= _FLAT:
            self._end(newest, picture)
            return
        if self._first is None:
            self._first, self._black = newest, True
            self._before = self._recent.at(newest - 1) if self._recent.has(newest - 1) else None
        self._black = self._black and float(picture.mean()) <= _MOST_BLACK

    def finish(self) -> None:
        """End the stretch that lasts to the end of the video."""
        self._end(self._recent.after, None)

    def _end(self, after: int, picture: Picture | None) -> None:
        if self._first is None:
            return
        before, first = self._before, self._first
        back = before is not None and picture is not None and _same(before, picture)
        self.found.append(Plain(first, after, self._black, back))
        self._first = self._before = None


def _same(one: Picture, other: Picture) -> bool:
    return distance(one, other) <= _SAME and likeness(one, other) >= _ALIKE
