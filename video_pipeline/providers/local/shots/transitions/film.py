"""The latest frames in the size that the network takes."""

from collections import deque
from typing import Any

import numpy as np

from video_pipeline.providers.local.shots.pictures import GRID, Picture
from video_pipeline.providers.local.shots.transitions.network import SIZE, Frames


class Film:
    """The last frames by number, in RGB. An image of one is as in pictures.py, but in RGB."""

    def __init__(self, keep: int) -> None:
        self._frames: deque[Frames] = deque(maxlen=keep)
        self.after = 0
        """The number that the next frame will have."""

    def add(self, pixels: Any) -> None:
        """Add a frame in BGR, of any size. It is scaled by area, as the network was trained."""
        import cv2

        small = cv2.resize(pixels, SIZE, interpolation=cv2.INTER_AREA)
        self._frames.append(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
        self.after += 1

    def window(self, first: int, after: int, step: int) -> Frames:
        """Return every `step`-th frame; beyond the ends, the outermost frame is repeated."""
        return np.stack([self._at(number) for number in range(first, after, step)])

    def has(self, number: int) -> bool:
        """Return whether the frame is kept."""
        return self.after - len(self._frames) <= number < self.after

    def at(self, number: int) -> Picture:
        """Return the image of a frame."""
        (columns, rows), pixels = GRID, self._at(number)
        blocks = pixels.reshape(rows, SIZE[1] // rows, columns, SIZE[0] // columns, 3)
        return blocks.mean((1, 3), dtype=np.float32).reshape(-1)

    def _at(self, number: int) -> Frames:
        oldest = self.after - len(self._frames)
        return self._frames[min(max(number - oldest, 0), len(self._frames) - 1)]
