"""How frames are shown: turned, mirrored, and how large; and the size of feeds.

The child imports this module, so it uses only the standard library.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction
from math import atan2, degrees

_WIDEST_PIXEL = 10


def sane_aspect(aspect: Fraction | None) -> Fraction:
    """Return the aspect ratio of a pixel; square if it is unknown or absurd."""
    if aspect is None or not Fraction(1, _WIDEST_PIXEL) <= aspect <= _WIDEST_PIXEL:
        return Fraction(1)
    return aspect


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a coded frame is shown: turned clockwise, then mirrored left to right."""

    rotation: int = 0
    mirrored: bool = False
    warning: str | None = None


def orientation(matrix: bytes) -> Orientation:
    """Return what a display matrix of FFmpeg asks for, to the nearest quarter turn.

    The matrix takes a point (x, y) to (a x + c y, b x + d y). See ISO 14496-12, 8.3.2.
    """
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
    flat = a * d - b * c
    if not flat:
        return Orientation(warning="its display matrix is invalid, and is ignored")
    mirrored = flat < 0
    if mirrored:
        a, c = -a, -c
    turned = round(degrees(atan2(b - c, a + d)))
    rotation = round(turned / 90) * 90 % 360
    warning = f"it is turned by {turned} degrees, shown as {rotation}" if turned % 90 else None
    return Orientation(rotation, mirrored, warning)


def shown(width: int, height: int, aspect: Fraction, rotation: int) -> tuple[int, int]:
    """Return width and height after the pixels' aspect (on the width) and the rotation."""
    width = max(1, round(width * aspect))
    return (height, width) if rotation in (90, 270) else (width, height)


def even_height(width: int, shape: tuple[int, int]) -> int:
    """Return the even height, at least 2, that keeps the shape (width, height) at this width."""
    return max(2, 2 * round(Fraction(width * shape[1], shape[0] * 2)))
