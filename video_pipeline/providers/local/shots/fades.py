"""Fades through one colour, from one shot to another.

A fade in at the start or out at the end is no boundary, nor is a flash, which is not gradual.
"""

from video_pipeline.providers.local.shots.pictures import Recent, contrast, distance

# How many of the last frames must be kept.
MEMORY = 14

# Contrast below which there is nothing to see.
_FLAT = 3.0
# Contrast from which there is a picture, `_NEAR` frames before or after.
_PICTURE = 8.0
_NEAR = 12
# Change from one frame to the next, in levels, from which it is not gradual.
_JUMP = 40.0


class Fades:
    """Takes every frame once, in order; `found` holds the first frames of shots."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent
        self._sank: int | None = None
        self._rose: int | None = None
        self.found: list[int] = []

    def look(self) -> None:
        """Take the newest frame into account."""
        newest = self._recent.after - 1
        if self._rose is not None and newest == self._rose + _NEAR:
            self._judge()
        if not self._recent.has(newest - 1):
            return
        was_flat, flat = (contrast(self._recent.at(n)) < _FLAT for n in (newest - 1, newest))
        if flat and not was_flat:
            self._sank, self._rose = self._sinks_at(newest), None
        elif was_flat and not flat and self._sank is not None and self._gradual(newest):
            self._rose = newest

    def _sinks_at(self, frame: int) -> int | None:
        """Return the frame, if an image faded gradually into this colour; else None."""
        earlier = frame - _NEAR
        if not self._gradual(frame) or not self._recent.has(earlier):
            return None
        return frame if contrast(self._recent.at(earlier)) >= _PICTURE else None

    def _judge(self) -> None:
        """Note the fade if there is an image now, some frames after it rose."""
        sank, rose, self._sank, self._rose = self._sank, self._rose, None, None
        newest = self._recent.at(self._recent.after - 1)
        if sank is not None and rose is not None and contrast(newest) >= _PICTURE:
            self.found.append((sank + rose) // 2)

    def _gradual(self, frame: int) -> bool:
        return distance(self._recent.at(frame - 1), self._recent.at(frame)) < _JUMP
