"""Signals as stored values: exact, small, and refused where they are damaged."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from video_pipeline.domain.media import DecodedVideo
from video_pipeline.domain.time import FrameRate, TimeRange
from video_pipeline.plugins.signals import PictureSignals, SoundSignals

_RATE = FrameRate(per_second=Fraction(25))


def _signals(contrast: list[int], ticks: list[int] | None = None) -> PictureSignals:
    count = len(contrast)
    end = Fraction(count, 25)
    zeros = [0] * count
    return PictureSignals(
        content="a" * 64,
        decoded=DecodedVideo(frames=count, frame_rate=_RATE, last=end - Fraction(1, 25), end=end),
        time_base=Fraction(1, 25),
        ticks=ticks or list(range(count)),
        luma=zeros,
        contrast=contrast,
        change=zeros,
        change_in_a_second=zeros,
    )


@given(
    st.lists(st.integers(0, 255), min_size=1, max_size=50),
    st.lists(st.integers(1, 2**40), min_size=50, max_size=50),
)
def test_stored_signals_read_back_are_equal(contrast: list[int], steps: list[int]) -> None:
    ticks = np.cumsum(steps)[: len(contrast)].tolist()
    written = _signals(contrast, ticks)
    read = PictureSignals.model_validate_json(written.model_dump_json())
    assert (read.contrast.tolist(), read.ticks.tolist()) == (contrast, ticks)
    assert read.decoded == written.decoded


@pytest.mark.parametrize(
    ("moment", "index"),
    [("0", 0), ("1/26", 0), ("1/25", 1), ("9/2", 3), ("-1", 0)],
    ids=["first", "within the first", "start of the second", "after the last", "before time zero"],
)
def test_index_at_a_moment(moment: str, index: int) -> None:
    assert _signals([9] * 4).index_at(Fraction(moment)) == index


_SINKING = [40, 40, 30, 20, 12, 6, 2, 0, 0]


@pytest.mark.parametrize(
    ("contrast", "found"),
    [
        (_SINKING, [(1, 6)]),
        (_SINKING[::-1], [(3, 8)]),
        (_SINKING + _SINKING[::-1], [(1, 6), (12, 17)]),
        ([40, 40, 40, 0, 0, 40, 40], []),
        ([0, 0, 0, 0], []),
        ([40, 38, 41, 39], []),
    ],
    ids=["out", "in", "through a colour", "a cut to black", "only black", "no fade"],
)
def test_fades_of_contrast(contrast: list[int], found: list[tuple[int, int]]) -> None:
    expected = [TimeRange(start=Fraction(a, 25), end=Fraction(b, 25)) for a, b in found]
    assert list(_signals(contrast).fades()) == expected


@pytest.mark.parametrize("damage", ["", "AAAA", "eJwDAAAAAAE", "no base64"])
def test_damaged_series_are_refused(damage: str) -> None:
    stored = SoundSignals(content="a", start=Fraction(0), duration=Fraction(1), loudness=[1, 2])
    with pytest.raises(ValidationError):
        SoundSignals.model_validate({**stored.model_dump(mode="json"), "loudness": damage})
