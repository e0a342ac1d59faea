"""How a picture is shown, and how large a feed of it is."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.media.shape import even_height, sane_aspect, shown

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
