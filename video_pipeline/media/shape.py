"""Widths and heights: how a picture is shown, and how large a feed of it is. Pure.

The child imports this, so it needs nothing but the standard library.
"""

from fractions import Fraction

_WIDEST_PIXEL = 10


def sane_aspect(aspect: Fraction | None) -> Fraction:
    """The shape of a pixel, width by height; square where it is unknown or absurd."""
    if aspect is None or not Fraction(1, _WIDEST_PIXEL) <= aspect <= _WIDEST_PIXEL:
        return Fraction(1)
    return aspect


def shown(width: int, height: int, aspect: Fraction, rotation: int) -> tuple[int, int]:
    """Width and height after the pixels' aspect (on the width) and the rotation are applied."""
    width = max(1, round(width * aspect))
    return (height, width) if rotation in (90, 270) else (width, height)


def even_height(width: int, shape: tuple[int, int]) -> int:
    """The even height, at least 2, that keeps the shape (width, height) at this width."""
    return max(2, 2 * round(Fraction(width * shape[1], shape[0] * 2)))
