"""Exact time: half-open ranges, frame rates, and SMPTE timecode by its published values."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from video_pipeline.domain.time import FrameRate, Timecode, TimeRange, clock

NTSC = FrameRate(per_second=Fraction(30000, 1001))
NTSC_60 = FrameRate(per_second=Fraction(60000, 1001))
FILM = FrameRate(per_second=Fraction(24000, 1001))
PAL = FrameRate(per_second=Fraction(25))

moments = st.fractions(min_value=-1000, max_value=1000, max_denominator=90000)
rates = st.sampled_from([NTSC, NTSC_60, FILM, PAL]) | st.builds(
    FrameRate, per_second=st.fractions(min_value=Fraction(1, 10), max_value=240)
)
frames = st.integers(0, 24 * 3600 * 60 - 1)


@st.composite
def ranges(draw: st.DrawFn) -> TimeRange:
    start, end = sorted([draw(moments), draw(moments)])
    return TimeRange(start=start, end=end)


def _range(start: int, end: int) -> TimeRange:
    return TimeRange(start=Fraction(start), end=Fraction(end))


def test_a_range_has_its_start_and_not_its_end() -> None:
    assert _range(1, 2).contains(Fraction(1))
    assert not _range(1, 2).contains(Fraction(2))


def test_ranges_that_touch_do_not_overlap() -> None:
    assert not _range(0, 1).overlaps(_range(1, 2))
    assert _range(0, 2).overlaps(_range(1, 3))


def test_an_empty_range_has_no_moment() -> None:
    assert not _range(1, 1).contains(Fraction(1))
    assert not _range(1, 1).overlaps(_range(0, 2))
    assert _range(1, 1).within(_range(0, 2))


def test_a_range_does_not_end_before_it_starts() -> None:
    with pytest.raises(ValidationError, match="ends before it starts"):
        _range(2, 1)


@given(ranges(), ranges())
def test_overlap_is_mutual_and_follows_from_lying_within(one: TimeRange, other: TimeRange) -> None:
    assert one.overlaps(other) == other.overlaps(one)
    if one.within(other) and one.duration:
        assert one.overlaps(other)


@given(ranges(), ranges(), moments)
def test_a_moment_in_both_means_overlap(one: TimeRange, other: TimeRange, moment: Fraction) -> None:
    if one.contains(moment) and other.contains(moment):
        assert one.overlaps(other)


@given(ranges())
def test_a_range_is_written_as_text_and_read_back_exactly(one: TimeRange) -> None:
    written = one.model_dump(mode="json")
    assert all(isinstance(value, str) for value in written.values())
    assert TimeRange.model_validate(written) == one
    assert TimeRange.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize("inexact", [0.1, True, None, "0.1.2", "1/0", "nan", "abc"])
def test_an_inexact_time_is_refused(inexact: object) -> None:
    with pytest.raises(ValidationError):
        TimeRange.model_validate({"start": inexact, "end": "1"})


@given(rates, frames)
def test_the_frame_at_its_own_start_is_itself(rate: FrameRate, frame: int) -> None:
    assert rate.frame_at(rate.start_of(frame)) == frame
    just_before = rate.start_of(frame) - Fraction(1, 10**12)
    assert rate.frame_at(just_before) == frame - 1


@given(rates, frames)
def test_frames_follow_each_other_without_a_gap(rate: FrameRate, frame: int) -> None:
    assert rate.range_of(frame, frame + 1).end == rate.range_of(frame + 1, frame + 2).start
    assert rate.range_of(frame, frame + 1).duration == 1 / rate.per_second


@given(rates, frames, st.integers(1, 1000))
def test_frames_of_a_range_are_those_it_was_made_of(
    rate: FrameRate, first: int, number: int
) -> None:
    made = rate.range_of(first, first + number)
    assert rate.frames_of(made) == (first, first + number - 1)
    assert rate.frames_of(TimeRange(start=made.start, end=made.start)) == (first, first)


@pytest.mark.parametrize(
    ("moment", "rate", "shown"),
    [
        ("0", None, "0:00:00.000"),
        ("52/25", None, "0:00:02.080"),
        ("52/25", PAL, "0:00:02.080 (frame 52)"),
        ("1001/1000", NTSC, "0:00:01.001 (frame 30)"),
        ("59.9995", None, "0:01:00.000"),
        ("1/2000", None, "0:00:00.000"),
        ("3/2000", None, "0:00:00.002"),
        ("-1/3", None, "-0:00:00.333"),
        ("-1/3000", None, "0:00:00.000"),
        ("90061.5", None, "25:01:01.500"),
    ],
)
def test_clock_shows_times_for_people(moment: str, rate: FrameRate | None, shown: str) -> None:
    assert clock(Fraction(moment), rate) == shown


@given(st.fractions(min_value=-200_000, max_value=200_000, max_denominator=90_000))
def test_clock_rounds_exactly_to_milliseconds(moment: Fraction) -> None:
    shown = clock(moment)
    hours, minutes, seconds = shown.removeprefix("-").split(":")
    assert len(minutes) == 2 and len(seconds) == 6 and int(minutes) < 60 and float(seconds) < 60
    read = int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    assert abs((-read if shown.startswith("-") else read) - moment) <= Fraction(1, 2000)


@given(st.lists(st.fractions(min_value=-10, max_value=10**5), min_size=2, max_size=2))
def test_clock_keeps_the_order(moments: list[Fraction]) -> None:
    def read(shown: str) -> Fraction:
        hours, minutes, seconds = shown.removeprefix("-").split(":")
        size = int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
        return -size if shown.startswith("-") else size

    first, last = map(clock, sorted(moments))
    assert read(first) <= read(last)


@pytest.mark.parametrize("rate", [0, -25])
def test_a_frame_rate_is_positive(rate: int) -> None:
    with pytest.raises(ValidationError, match="positive"):
        FrameRate(per_second=Fraction(rate))


@pytest.mark.parametrize(
    ("text", "rate", "frame", "why"),
    [
        ("00:00:00;00", NTSC, 0, "the beginning"),
        ("00:00:59;29", NTSC, 1799, "the last frame before numbers are dropped"),
        ("00:01:00;02", NTSC, 1800, "0 and 1 are dropped at a minute"),
        ("00:01:59;29", NTSC, 3597, "a minute that dropped two has 1798 frames"),
        ("00:02:00;02", NTSC, 3598, "and the next drops again"),
        ("00:09:59;29", NTSC, 17981, "the last frame of ten minutes"),
        ("00:10:00;00", NTSC, 17982, "nothing is dropped at the tenth minute"),
        ("00:10:00;01", NTSC, 17983, "not even 1"),
        ("00:11:00;02", NTSC, 19782, "but at the eleventh"),
        ("01:00:00;00", NTSC, 107892, "an hour by the clock"),
        ("23:59:59;29", NTSC, 2589407, "the last frame of a day"),
        ("00:00:59;59", NTSC_60, 3599, "at twice the rate"),
        ("00:01:00;04", NTSC_60, 3600, "twice as many are dropped"),
        ("00:10:00;00", NTSC_60, 35964, "but not at the tenth minute"),
        ("01:00:00;00", NTSC_60, 215784, "an hour by the clock"),
        ("00:01:00:00", NTSC, 1800, "not dropping counts every frame"),
        ("01:00:00:00", NTSC, 108000, "and falls behind the clock"),
        ("01:00:00:00", FILM, 86400, "24 numbers a second at 23.976"),
        ("00:00:01:24", PAL, 49, "25 numbers a second at 25"),
    ],
)
def test_timecode_agrees_with_smpte(text: str, rate: FrameRate, frame: int, why: str) -> None:
    timecode = Timecode.parse(text, rate)
    assert timecode.frames == frame
    assert str(timecode) == text


def test_drop_frame_keeps_step_with_the_clock() -> None:
    hour = Timecode.parse("01:00:00;00", NTSC).seconds
    assert abs(hour - 3600) < Fraction(1, 100)
    assert Timecode.parse("01:00:00:00", NTSC).seconds == Fraction(36036, 10)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("00:01:00;00", NTSC),
        ("00:01:00;01", NTSC),
        ("00:01:00;03", NTSC_60),
        ("00:00:00:30", NTSC),
        ("00:00:00:25", PAL),
        ("00:60:00:00", PAL),
        ("00:00:60:00", PAL),
        ("0:00:00:00", PAL),
        ("00:00:00", PAL),
        ("00:00:00;00", PAL),
        ("00:00:00;00", FILM),
        ("", PAL),
    ],
)
def test_a_number_that_does_not_exist_is_refused(text: str, rate: FrameRate) -> None:
    with pytest.raises(ValueError):
        Timecode.parse(text, rate)


@given(st.sampled_from([(NTSC, True), (NTSC_60, True), (NTSC, False), (FILM, False)]), frames)
def test_every_frame_has_one_timecode(kind: tuple[FrameRate, bool], frame: int) -> None:
    rate, drop = kind
    timecode = Timecode(frames=frame, rate=rate, drop_frame=drop)
    assert Timecode.parse(str(timecode), rate) == timecode


@given(frames)
def test_drop_frame_numbers_agree_with_counting_minutes(frame: int) -> None:
    """Against the definition itself: go minute by minute, dropping two where the rule says so."""
    left, minute = frame, 0
    while left >= (length := 1800 if minute % 10 == 0 else 1798):
        left, minute = left - length, minute + 1
    number = left + (0 if minute % 10 == 0 else 2)
    expected = f"{minute // 60:02}:{minute % 60:02}:{number // 30:02};{number % 30:02}"
    assert str(Timecode(frames=frame, rate=NTSC, drop_frame=True)) == expected
