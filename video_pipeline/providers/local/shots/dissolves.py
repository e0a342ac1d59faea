"""Dissolves: one shot blends into another.

A dissolve moves every pixel on a straight line between its ends. Motion mostly does not, and where
it does, a camera movement explains the change. Dissolves of low contrast or of fewer than about
eight frames are not found, nor are wipes.
"""

from dataclasses import dataclass

import numpy as np

from video_pipeline.providers.local.shots.pictures import (
    GRID,
    Picture,
    Recent,
    contrast,
    distance,
    likeness,
)

# Spans in frames over which a straight line is sought, and the least change over each, in levels:
# slow camera movement stays below.
_LAGS = ((8, 10.0), (16, 18.0), (32, 26.0))
_MOST_BEND = 0.12
_MOST_MOTION = 0.35
_LEAST_CHANGE = 20.0
_MOST_LIKENESS = 0.8
_LEAST_CONTRAST = 5.0

# How many of the last frames must be kept.
MEMORY = 33


@dataclass(slots=True)
class _Line:
    """Frames `first` to `last` that lie on a straight line."""

    first: int
    last: int
    before: Picture


class Dissolves:
    """Takes every frame once, in order; `found` holds the first frames of shots."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent
        self._line: _Line | None = None
        self.found: list[int] = []

    def look(self) -> None:
        """Take the newest frame into account."""
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
        """End the straight line, and note it if it was a dissolve."""
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
            and _share_of_motion(before, half, after) < _MOST_MOTION
        )


def _between(before: Picture, after: Picture, quarter: int) -> Picture:
    return before + (after - before) * (quarter / 4)


def _share_of_motion(before: Picture, between: Picture, after: Picture) -> float:
    """Return how much of the change, 0 to 1, a pan, tilt or zoom explains.

    A slow camera over a soft image moves it on nearly a straight line, as a dissolve does. But then
    the change follows the slopes of the image itself: it is fitted to those of `between`, the
    image half-way, in least squares.
    """
    columns, rows = GRID
    picture = between.reshape(rows, columns, 3)
    down, right = (np.asarray(np.gradient(picture, axis=axis)) for axis in (0, 1))
    x = np.arange(columns)[None, :, None] - (columns - 1) / 2
    y = np.arange(rows)[:, None, None] - (rows - 1) / 2
    zoom = right * x + down * y
    slopes = np.stack([right.ravel(), down.ravel(), zoom.ravel()], axis=1)
    change = after - before
    whole = float(change @ change)
    if not whole:
        return 0.0
    movement = np.linalg.lstsq(slopes, change, rcond=None)[0]
    rest = change - slopes @ movement
    return 1 - float(rest @ rest) / whole
