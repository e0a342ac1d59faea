"""Small pictures of the frames just seen, and how they compare. Deciding on cuts lies elsewhere.

A picture is a vector of levels 0 to 255: a coarse grid of the frame, three colours each.
"""

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

GRID = (16, 9)
"""Columns and rows of a picture."""

Picture = NDArray[np.floating[Any]]


def distance(one: Picture, other: Picture) -> float:
    """Mean absolute difference, in levels."""
    return float(np.abs(one - other).mean())


def likeness(one: Picture, other: Picture) -> float:
    """Correlation of what is shown where, -1 to 1; brightness and contrast do not matter."""
    a, b = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale else 0.0


def contrast(picture: Picture) -> float:
    """Standard deviation within each colour, in levels: 0 for one colour all over."""
    per_colour = picture.reshape(-1, 3)
    return float((per_colour - per_colour.mean(0)).std())


class Recent:
    """The last pictures by frame number; older ones are forgotten."""

    def __init__(self, keep: int) -> None:
        self._pictures: deque[Picture] = deque(maxlen=keep)
        self.after = 0
        """The number that the next frame will have."""

    def add(self, picture: Picture) -> None:
        """Take the picture of the next frame."""
        self._pictures.append(picture)
        self.after += 1

    def has(self, frame: int) -> bool:
        """Whether the frame was seen and is not forgotten."""
        return self.after - len(self._pictures) <= frame < self.after

    def at(self, frame: int) -> Picture:
        """The picture of a frame that `has` knows; IndexError for another."""
        if not self.has(frame):
            raise IndexError(frame)
        return self._pictures[frame - self.after + len(self._pictures)]
