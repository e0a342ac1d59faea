"""Fades through one colour: a picture sinks gradually into it, and another rises out of it.

A fade in at the start or out at the end bounds no shot, nor does a flash, which jumps.
"""

from video_pipeline.providers.local.shots.pictures import Recent, contrast, distance

MEMORY = 14
"""How many of the last pictures must be kept."""

_FLAT = 3.0
"""Contrast below which there is nothing to see."""
_PICTURE = 8.0
"""Contrast from which there is a picture, `_NEAR` frames before or after."""
_NEAR = 12
_JUMP = 40.0
"""Change from one frame to the next, in levels, from which it is not gradual."""


class Fades:
    """Looks at every frame once, in order; `found` grows by the frames at which shots begin."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent
        self._sank: int | None = None
        self._rose: int | None = None
        self.found: list[int] = []

    def look(self) -> None:
        """Take the newest of the recent pictures into account."""
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
        """The frame, where a picture has sunk gradually into this colour; else None."""
        earlier = frame - _NEAR
        if not self._gradual(frame) or not self._recent.has(earlier):
            return None
        return frame if contrast(self._recent.at(earlier)) >= _PICTURE else None

    def _judge(self) -> None:
        """Some frames after it rose: is there a picture now?"""
        sank, rose, self._sank, self._rose = self._sank, self._rose, None, None
        newest = self._recent.at(self._recent.after - 1)
        if sank is not None and rose is not None and contrast(newest) >= _PICTURE:
            self.found.append((sank + rose) // 2)

    def _gradual(self, frame: int) -> bool:
        return distance(self._recent.at(frame - 1), self._recent.at(frame)) < _JUMP
