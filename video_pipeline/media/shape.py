"""Width and height of frames as shown and of feeds.

The child imports this module, so it uses only the standard library.
"""

from fractions import Fraction

_WIDEST_PIXEL = 10


def sane_aspect(aspect: Fraction | None) -> Fraction:
    """Return the aspect ratio of a pixel; square if it is unknown or absurd."""
    if aspect is None or not Fraction(1, _WIDEST_PIXEL) <= aspect <= _WIDEST_PIXEL:
        return Fraction(1)
    return aspect


def shown(width: int, height: int, aspect: Fraction, rotation: int) -> tuple[int, int]:
    """Return width and height after the pixels' aspect (on the width) and the rotation."""
    width = max(1, round(width * aspect))
    return (height, width) if rotation in (90, 270) else (width, height)


def even_height(width: int, shape: tuple[int, int]) -> int:
    """Return the even height, at least 2, that keeps the shape (width, height) at this width."""
    return max(2, 2 * round(Fraction(width * shape[1], shape[0] * 2)))
