"""How a picture is shown, and how large a feed of it is."""

import struct
from fractions import Fraction
from math import cos, radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.media.shape import Orientation, even_height, orientation, sane_aspect, shown

SIZES = st.integers(1, 20_000)


@pytest.mark.parametrize(
    ("coded", "aspect", "rotation", "seen"),
    [
        ((1920, 1080), Fraction(1), 0, (1920, 1080)),
        ((1440, 1080), Fraction(4, 3), 0, (1920, 1080)),
        ((1440, 1080), Fraction(4, 3), 90, (1080, 1920)),
        ((720, 576), Fraction(16, 15), 180, (768, 576)),
    ],
)
def test_size_is_after_aspect_and_rotation(coded, aspect, rotation, seen):
    assert shown(*coded, aspect, rotation) == seen


@pytest.mark.parametrize("absurd", [None, Fraction(0), Fraction(-1), Fraction(1, 99), Fraction(11)])
def test_absurd_aspect_counts_as_square(absurd):
    assert sane_aspect(absurd) == 1


@given(SIZES, SIZES, SIZES)
def test_heights_are_even_and_keep_the_shape(width, seen_width, seen_height):
    height = even_height(width, (seen_width, seen_height))
    assert height >= 2
    assert height % 2 == 0
    assert height == 2 or abs(height - Fraction(width * seen_height, seen_width)) <= 1


def _matrix(a: float, b: float, c: float, d: float) -> bytes:
    return struct.pack("=9i", *(round(one * 65536) for one in (a, b, 0, c, d, 0, 0, 0, 16384)))


@pytest.mark.parametrize(
    ("matrix", "rotation", "mirrored"),
    [
        ((1, 0, 0, 1), 0, False),
        ((0, 1, -1, 0), 90, False),
        ((-1, 0, 0, -1), 180, False),
        ((0, -1, 1, 0), 270, False),
        ((-1, 0, 0, 1), 0, True),
        ((0, 1, 1, 0), 90, True),
        ((1, 0, 0, -1), 180, True),
        ((0, -1, -1, 0), 270, True),
        ((0.5, 0, 0, 2), 0, False),
    ],
)
def test_matrix_turns_then_mirrors(matrix, rotation, mirrored):
    assert orientation(_matrix(*matrix)) == Orientation(rotation, mirrored)


@pytest.mark.parametrize("matrix", [(0, 0, 0, 0), (1, 1, 1, 1), (1, 0, 0, 0)])
def test_flat_matrix_is_ignored_with_a_warning(matrix):
    found = orientation(_matrix(*matrix))
    assert (found.rotation, found.mirrored) == (0, False)
    assert found.warning == "its display matrix is invalid, and is ignored"


@pytest.mark.parametrize(
    ("degrees", "shown_as"), [(10, 0), (50, 90), (-100, 270), (170, 180), (-20, 0)]
)
def test_other_angles_are_the_nearest_quarter_turn(degrees, shown_as):
    cosine, sine = cos(radians(degrees)), sin(radians(degrees))
    found = orientation(_matrix(cosine, sine, -sine, cosine))
    assert (found.rotation, found.mirrored) == (shown_as, False)
    assert found.warning == f"it is turned by {degrees} degrees, shown as {shown_as}"


@given(st.binary(min_size=36, max_size=36))
def test_any_matrix_is_an_orientation(matrix):
    assert orientation(matrix).rotation in (0, 90, 180, 270)
