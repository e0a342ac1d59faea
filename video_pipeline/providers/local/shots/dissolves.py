"""Dissolves: one picture melts into another. Cuts and fades lie beside this.

A dissolve moves every part of the picture on a straight line between its ends. Motion mostly
does not, and where it does, a movement of the whole picture explains the change. Dissolves of
low contrast and those shorter than about eight frames are not found, nor are wipes.
"""

from dataclasses import dataclass

from video_pipeline.providers.local.shots.motion import share_of_motion
from video_pipeline.providers.local.shots.pictures import (
    Picture,
    Recent,
    contrast,
    distance,
    likeness,
)

_LAGS = ((8, 10.0), (16, 18.0), (32, 26.0))
"""Spans in frames over which a straight line is sought, and the least change over each, in
levels: slow camera movement stays below."""
_MOST_BEND = 0.12
_MOST_MOTION = 0.35
_LEAST_CHANGE = 20.0
_MOST_LIKENESS = 0.8
_LEAST_CONTRAST = 5.0

MEMORY = 33
"""How many of the last pictures must be kept."""


@dataclass(slots=True)
class _Line:
    """Frames `first` to `last` over which the picture moves on a straight line."""

    first: int
    last: int
    before: Picture


class Dissolves:
    """Looks at every frame once, in order; `found` grows by the frames at which shots begin."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent
        self._line: _Line | None = None
        self.found: list[int] = []

    def look(self) -> None:
        """Take the newest of the recent pictures into account."""
        newest, line = self._recent.after - 1, self._line
        first = next((newest - lag for lag, least in _LAGS if self._straight(lag, least)), None)
        if first is None:
            if line and newest - line.last > 2:
                self.finish()
        elif line:
            line.last = newest
        else:
            self._line = _Line(first, newest, self._recent.at(first))

    def finish(self) -> None:
        """The straight line has ended: was it a dissolve from one picture to another?"""
        line, self._line = self._line, None
        if line is None:
            return
        before, after = line.before, self._recent.at(line.last)
        fade = min(contrast(before), contrast(after)) < _LEAST_CONTRAST
        other = likeness(before, after) < _MOST_LIKENESS
        if other and not fade and distance(before, after) >= _LEAST_CHANGE:
            self.found.append((line.first + line.last + 1) // 2)

    def _straight(self, lag: int, least: float) -> bool:
        recent, end = self._recent, self._recent.after - 1
        if not recent.has(end - lag):
            return False
        before, half, after = (recent.at(n) for n in (end - lag, end - lag // 2, end))
        change = distance(before, after)
        return (
            change >= least
            and all(
                distance(
                    recent.at(end - lag + lag * quarter // 4), _between(before, after, quarter)
                )
                <= _MOST_BEND * change
                for quarter in (2, 1, 3)
            )
            and share_of_motion(before, half, after) < _MOST_MOTION
        )


def _between(before: Picture, after: Picture, quarter: int) -> Picture:
    return before + (after - before) * (quarter / 4)
