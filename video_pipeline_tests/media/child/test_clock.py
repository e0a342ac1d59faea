"""Frames get exact, strictly increasing moments from zero, whatever their timestamps claim."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.media.child.clock import LONGEST_GAP, FrameClock

BASE, RATE = Fraction(1, 1000), Fraction(25)
TIMESTAMPS = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 100_000))


def moments(*pts: int | None, duration: int = 40) -> tuple[list[int], FrameClock]:
    clock = FrameClock(BASE, RATE)
    return [clock.moment(moment, duration) for moment in pts], clock


@given(st.lists(st.integers(1, 10_000_000), min_size=1), st.integers(-(2**40), 2**40))
def test_valid_timestamps_are_kept(steps, start):
    pts = [start + sum(steps[:count]) for count in range(len(steps))]
    found, clock = moments(*pts)
    assert found == [moment - start for moment in pts]
    assert clock.warnings == []


@given(st.lists(st.tuples(TIMESTAMPS, st.integers(-(2**40), 2**63)), min_size=1))
def test_any_timestamps_become_increasing_64_bit_times(claims):
    clock = FrameClock(BASE, RATE)
    found = [clock.moment(pts, duration) for pts, duration in claims]
    assert found[0] == 0
    assert all(a < b for a, b in pairwise(found))
    assert found[-1] <= len(claims) * LONGEST_GAP / BASE
    assert clock.end > found[-1] * BASE


def test_duplicate_timestamp_moves_by_one_tick():
    found, clock = moments(0, 40, 40, 120)
    assert found == [0, 40, 41, 120]
    assert clock.warnings == [
        "1 frames with a timestamp not after the one before were moved one tick on"
    ]


def test_restarted_clock_continues():
    found, clock = moments(500_000, 500_040, 0, 40)
    assert found == [0, 40, 80, 120]
    assert clock.warnings == ["1 jumps of the timestamps were closed"]


def test_a_missing_timestamp_follows_the_frame_before():
    assert moments(0, 40, None, 120)[0] == [0, 40, 80, 120]


def test_the_end_is_the_last_frames_or_by_the_rate():
    clock = moments(0, 40)[1]
    clock.moment(80, 30)
    assert clock.end == Fraction(110, 1000)
    clock = FrameClock(BASE, Fraction(30000, 1001))
    clock.moment(7, 0)
    assert clock.end == Fraction(1001, 30000)


def test_durations_that_are_never_true_do_not_count():
    """A packet that is a field claims half of its frame's length."""
    assert moments(0, 40, 80, duration=20)[1].end == Fraction(120, 1000)
    assert moments(0, 50, 90, 150, duration=20)[1].end == Fraction(210, 1000)


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(25), Fraction(25, 2)])
def test_rate_that_was_claimed_wrongly_is_measured(rate):
    clock = FrameClock(Fraction(1, 90_000), Fraction(24))
    for number in range(200):
        clock.moment(round(number / rate * 90_000), 0)
    assert (clock.rate, clock.steady) == (rate, rate)
    assert clock.last == Fraction(round(199 / rate * 90_000), 90_000)


def test_rate_of_uneven_steps_is_the_average():
    clock = moments(0, 30, 80, 120, 150, 200)[1]
    assert (clock.rate, clock.steady) == (25, None)


def test_single_frame_keeps_the_claimed_rate():
    assert moments(7)[1].steady == 25
