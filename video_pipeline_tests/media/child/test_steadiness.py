"""Which timestamps belong to a constant rate."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.media.child.rates import Pace

RATES = st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])
BASES = st.sampled_from([Fraction(1, 1000), Fraction(1, 12_800), Fraction(1, 90_000)])


def at(rate: Fraction, base: Fraction, frames: int) -> list[int]:
    return [round(number / rate / base) for number in range(frames)]


def keeps(rate: Fraction, moments: list[int], base: Fraction) -> bool:
    pace = Pace(base)
    for moment in moments:
        pace.add(moment)
    return pace.fits(rate)


@given(RATES, BASES, st.integers(0, 400))
def test_constant_rate_is_detected_in_any_time_base(rate, base, frames):
    assert keeps(rate, at(rate, base, frames), base)


@given(RATES, BASES, st.integers(1, 98))
def test_one_misplaced_frame_is_a_variable_rate(rate, base, number):
    moments = at(rate, base, 100)
    moments[number] += 3
    assert not keeps(rate, moments, base)


def test_neighbouring_rates_differ():
    moments = at(Fraction(30000, 1001), Fraction(1, 1000), 200)
    assert not keeps(Fraction(30), moments, Fraction(1, 1000))
