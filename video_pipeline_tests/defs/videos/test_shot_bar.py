"""The bar of shots and speech: its size, and the colours at each moment."""

import base64
import io
import re
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from video_pipeline.defs.videos.shot_bar import MOST_CHARACTERS, shot_bar
from video_pipeline.domain.time import TimeRange

GREY, BLUE, LIGHT, GREEN = (216, 220, 226), (31, 78, 121), (111, 168, 214), (46, 139, 87)


def span(start: Fraction | int, end: Fraction | int) -> TimeRange:
    return TimeRange(start=Fraction(start), end=Fraction(end))


def colours(markdown: str, seconds: list[int], of: int) -> list[list[object]]:
    """Return of each band the colours at these moments of so many seconds."""
    found = re.fullmatch(r"!\[([^\[\]]*)\]\(data:image/png;base64,([\w+/=]+)\)", markdown)
    assert found
    with Image.open(io.BytesIO(base64.b64decode(found[2]))) as picture:
        bar = picture.convert("RGB")
    rows = [7] if bar.height < 20 else [7, bar.height - 7]
    columns = [min(bar.width - 1, bar.width * second // of + 1) for second in seconds]
    return [[bar.getpixel((x, y)) for x in columns] for y in rows]


def test_bar_shows_shots_by_turns_and_gaps() -> None:
    made = shot_bar(Fraction(8), [span(0, 2), span(2, 4), span(6, 8)])
    assert colours(made, [0, 1, 2, 4, 5, 6, 7], 8) == [[BLUE, BLUE, LIGHT, GREY, GREY, BLUE, BLUE]]


def test_bar_shows_speech_below_the_shots() -> None:
    made = shot_bar(Fraction(4), [span(0, 4)], [span(1, 2), span(3, 4)], "1 shot")
    assert made.startswith("![1 shot]")
    assert colours(made, [0, 1, 2, 3], 4) == [[BLUE] * 4, [GREY, GREEN, GREY, GREEN]]


def test_short_range_is_one_pixel_wide() -> None:
    made = shot_bar(Fraction(3600), [], [span(0, Fraction(1, 1000))])
    assert colours(made, [0, 1000], 3600)[1] == [GREY, GREY]
    assert made != shot_bar(Fraction(3600), [], [])


def test_range_outside_of_the_video_stays_in_the_bar() -> None:
    made = shot_bar(Fraction(2), [span(0, 9), span(9, 9)], [span(-1, 20)])
    assert colours(made, [0, 1], 2) == [[BLUE, BLUE], [GREEN, GREEN]]


@given(
    st.lists(st.integers(1, 9999), max_size=700, unique=True).map(sorted),
    st.lists(st.integers(0, 9999), max_size=700).map(sorted),
)
def test_bar_is_short_enough_to_be_inline(cuts: list[int], spoken: list[int]) -> None:
    shots = [span(a, b) for a, b in pairwise([0, *cuts, 10_000])]
    speech = [span(start, start + 3) for start in spoken]
    made = shot_bar(Fraction(10_000), shots, speech, f"{len(shots)} shots in 2:46:40.000")
    assert len(made) < MOST_CHARACTERS - 100, "there is room for a legend"
