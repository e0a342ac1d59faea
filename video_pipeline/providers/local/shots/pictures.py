"""Small images of the latest frames, and how they compare.

An image is a vector of levels 0 to 255: a coarse grid of the frame, three colours each.
"""

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Columns and rows of an image.
GRID = (16, 9)

Picture = NDArray[np.floating[Any]]


def picture_of(pixels: Any) -> Picture:
    """Return the image of a frame of any size."""
    import cv2

    small = cv2.resize(pixels, GRID, interpolation=cv2.INTER_AREA)
    return small.reshape(-1).astype("float32")


def distance(one: Picture, other: Picture) -> float:
    """Return the mean absolute difference, in levels."""
    return float(np.abs(one - other).mean())


def likeness(one: Picture, other: Picture) -> float:
    """Return the correlation, -1 to 1, which does not depend on brightness and contrast."""
    a, b = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale else 0.0


def contrast(picture: Picture) -> float:
    """Return the standard deviation within each colour, in levels: 0 for a plain colour."""
    per_colour = picture.reshape(-1, 3)
    return float((per_colour - per_colour.mean(0)).std())


class Recent:
    """The last images by frame number."""

    def __init__(self, keep: int) -> None:
        self._pictures: deque[Picture] = deque(maxlen=keep)
        self.after = 0
        """The number that the next frame will have."""

    def add(self, picture: Picture) -> None:
        self._pictures.append(picture)
        self.after += 1

    def has(self, frame: int) -> bool:
        """Return whether the frame is kept."""
        return self.after - len(self._pictures) <= frame < self.after

    def at(self, frame: int) -> Picture:
        """Return the image of a frame. Raises IndexError if it is not kept."""
        if not self.has(frame):
            raise IndexError(frame)
        return self._pictures[frame - self.after + len(self._pictures)]
