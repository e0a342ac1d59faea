"""Words as people write them, each with a plausible time."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.domain.results.transcript import Segment, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.providers.local.speech.whole_words import (
    LONGEST,
    SHORTEST,
    RawSegment,
    RawWord,
    on_clock,
    without_loops,
)

MEDIA = TimeRange(start=Fraction(0), end=Fraction(10))


def _segment(*words: tuple[str, float, float]) -> RawSegment:
    return RawSegment(
        text="".join(text for text, *_ in words),
        start=Fraction(str(words[0][1])),
        end=Fraction(str(words[-1][2])),
        words=tuple(
            RawWord(text=text, start=Fraction(str(start)), end=Fraction(str(end)), probability=0.5)
            for text, start, end in words
        ),
    )


def _read(*segments: RawSegment, within: TimeRange = MEDIA) -> tuple[Segment, ...]:
    return on_clock(segments, Fraction(0), within)


def _words(*words: tuple[str, float, float]) -> tuple[Word, ...]:
    return _read(_segment(*words))[0].words


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        pytest.param([" all", "'officina"], ["all'officina"], id="Italian"),
        pytest.param([" dell", "'", "universit", "à."], ["dell'università."], id="in four"),
        pytest.param([" don", "'t", " you"], ["don't", "you"], id="English"),
        pytest.param([" twenty", "-one", " days"], ["twenty-one", "days"], id="hyphen"),
        pytest.param([" aujourd", "'hui", " est", "-ce"], ["aujourd'hui", "est-ce"], id="French"),
        pytest.param([" one", " -", " two"], ["one", "-", "two"], id="a dash between blanks"),
        pytest.param(["今日", "は", "晴れ。"], ["今日", "は", "晴れ。"], id="Japanese"),
        pytest.param(["สวัส", "ดี"], ["สวัส", "ดี"], id="Thai"),
        pytest.param([" 오늘", "은", " 좋다"], ["오늘은", "좋다"], id="Korean has blanks"),
        pytest.param(["AI", "は"], ["AI", "は"], id="two scripts"),
    ],
)
def test_word_begins_only_after_a_blank(parts: list[str], whole: list[str]) -> None:
    words = _words(*((part, at / 2, at / 2 + 0.5) for at, part in enumerate(parts)))
    assert [word.text for word in words] == whole
    assert (words[0].range.start, words[-1].range.end) == (0, Fraction(len(parts), 2))


def test_word_without_length_takes_a_share() -> None:
    words = _words((" a", 1.0, 1.0), (" b", 1.0, 1.0), (" c", 1.0, 1.5))
    assert [word.range.duration for word in words] == [SHORTEST, SHORTEST, Fraction(46, 100)]


def test_word_stretched_over_a_pause_ends_early() -> None:
    first, second = _words((" a", 1.0, 8.0), (" b", 8.0, 8.5))
    assert first.range.end == 1 + LONGEST
    assert second.range.start == 8


def test_word_past_the_end_is_moved_before_it() -> None:
    first, second = _words((" a", 9.0, 12.0), (" b", 12.0, 13.0))
    assert (first.range.start, second.range.end) == (9, 10)
    assert second.range.duration == SHORTEST


def test_loop_is_cut_from_its_segments() -> None:
    looped = [
        _segment(*((" a,", at, at + 0.5) for at in range(first, first + 9))) for first in (0, 9)
    ]
    kept, cut = without_loops([*looped, _segment((" end.", 20, 21))])
    assert [segment.text for segment in kept] == [" a,", " end."]
    assert [(said.text, said.start, said.end) for said in cut] == [(" a,", 1.0, 17.5)]


moments = st.integers(-1000, 12_000).map(lambda at: at / 1000)
raw_words = st.tuples(st.sampled_from([" a", "b", " c"]), moments, moments)


@given(
    st.lists(st.lists(raw_words, min_size=1, max_size=8).map(lambda w: _segment(*w)), max_size=4),
    st.sampled_from([Fraction(0), Fraction(1, 100), Fraction(1), Fraction(10)]),
)
def test_words_are_in_order_within_the_media(segments: list[RawSegment], end: Fraction) -> None:
    within = TimeRange(start=Fraction(0), end=end)
    words = [word.range for one in _read(*segments, within=within) for word in one.words]
    assert all(word.within(within) and word.duration <= LONGEST for word in words)
    assert all(before.end <= after.start for before, after in pairwise(words))
    if len(words) * SHORTEST <= end:
        assert all(word.duration >= SHORTEST for word in words)
