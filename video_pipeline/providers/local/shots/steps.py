"""Verification of a suspected hard cut: the image changes at once, and stays changed.

This removes the false cuts of a frame-to-frame detector: coloured noise in the dark, the steepest
frame of a fade or dissolve, and a flash.
"""

from typing import Protocol

from video_pipeline.providers.local.shots.pictures import Picture, distance

# Frames before and after a suspected cut that count; they should have been seen.
NEAR = 6

_LEAST_STEP = 6.0
_GOES_ON = 2.0
_COMES_BACK = 0.5


class Kept(Protocol):
    """The images of the latest frames by number."""

    def has(self, frame: int, /) -> bool: ...

    def at(self, frame: int, /) -> Picture: ...


def is_step(recent: Kept, frame: int) -> bool:
    """Return whether there is a cut between `frame` - 1 and `frame`.

    The change must be visible, happen mostly at once, and be neither the start nor the end of an
    interruption of fewer than `NEAR` frames.
    """
    if not (recent.has(frame - 1) and recent.has(frame)):
        return False
    before, now = recent.at(frame - 1), recent.at(frame)
    step = distance(before, now)
    later = [distance(before, recent.at(n)) for n in _seen(recent, frame + 1, frame + NEAR)]
    earlier = [distance(now, recent.at(n)) for n in _seen(recent, frame - NEAR, frame - 1)]
    return (
        step >= _LEAST_STEP
        and all(far < step * _GOES_ON for far in later[:3] + earlier[-3:])
        and all(far > step * _COMES_BACK for far in later + earlier)
    )


def _seen(recent: Kept, first: int, after: int) -> list[int]:
    return [number for number in range(first, after) if recent.has(number)]
