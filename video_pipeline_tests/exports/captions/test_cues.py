"""Cues: every word once, in order, in lines and times that can be read."""

import sys
import unicodedata
from fractions import Fraction
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.exports.captions.cues import (
    EARLIEST_MS,
    GAP_MS,
    JOINED_PAUSE,
    LINES,
    LONGEST,
    ORPHAN,
    RATE,
    SHORTEST_MS,
    WIDTH,
    Cue,
    cues,
)

moments = st.fractions(min_value=0, max_value=4, max_denominator=30000)
texts = st.one_of(
    st.sampled_from(["a", "word", "Satzende.", "Nebensatz,", "w" * 60, "映像", "&", "-->", "<b>"]),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    at = draw(moments) * draw(st.integers(0, 20))
    speakers = st.sampled_from([None, "Ada", "Bob & Co"])
    words: list[Word] = []
    for text in draw(st.lists(texts, max_size=40)):
        start = at + draw(st.sampled_from([Fraction(0), Fraction(1, 30), Fraction(3)]))
        at = start + draw(moments) / draw(st.sampled_from([1, 8, 1000]))
        spoken = TimeRange(start=start, end=at)
        words.append(Word(text=text, range=spoken, speaker=draw(speakers)))
    joint = draw(st.sampled_from([" ", ""]))
    end = max([at, *(word.range.end for word in words)])
    return Segment(
        text=joint.join(word.text for word in words),
        range=TimeRange(start=words[0].range.start if words else at, end=end),
        words=tuple(words),
        speaker=draw(speakers),
    )


transcripts = st.builds(Transcript, segments=st.lists(segments(), max_size=5).map(tuple))


def _columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)


def _bare(text: str) -> str:
    return "".join(text.split())


@given(transcripts)
def test_cues_are_ordered_without_overlaps(spoken: Transcript) -> None:
    before = 0
    for cue in cues(spoken):
        assert before <= cue.start_ms < cue.end_ms <= cue.start_ms + LONGEST * 1000
        before = cue.end_ms


@given(transcripts)
def test_every_word_is_in_one_cue(spoken: Transcript) -> None:
    shown = "".join(_bare(line) for cue in cues(spoken) for line in cue.lines)
    assert sorted(shown) == sorted(_bare("".join(word.text for word in spoken.words)))


@given(segments())
def test_the_words_of_a_segment_stay_in_order(segment: Segment) -> None:
    shown = "".join(
        _bare(line) for cue in cues(Transcript(segments=(segment,))) for line in cue.lines
    )
    assert shown == _bare("".join(word.text for word in segment.words))


@given(transcripts)
def test_lines_fit_but_for_a_longer_single_word(spoken: Transcript) -> None:
    longer = {" ".join(word.text.split()) for word in spoken.words}
    for cue in cues(spoken):
        assert 1 <= len(cue.lines) <= LINES
        assert all(line.strip() for line in cue.lines)
        assert all(_columns(line) <= WIDTH or line in longer for line in cue.lines)


@given(transcripts)
def test_cue_starts_at_its_first_word_unless_delayed(spoken: Transcript) -> None:
    """A cue waits for the cues before it, and half a second more for a short one.

    It begins a little earlier than its first word where it is hard to read.
    """
    starts = {round(word.range.start * 1000) for word in spoken.words}
    before = -1
    for cue in cues(spoken):
        near = any(-1 <= start - cue.start_ms <= EARLIEST_MS + 1 for start in starts)
        assert near or cue.start_ms <= before + SHORTEST_MS + GAP_MS + EARLIEST_MS
        before = cue.start_ms


def _spoken(*lines: tuple[str, int, int], joint: str = " ", speaker: str | None = None) -> Segment:
    """A segment of words with their times in milliseconds."""
    words = tuple(
        Word(text=text, range=TimeRange(start=Fraction(start, 1000), end=Fraction(end, 1000)))
        for text, start, end in lines
    )
    whole = TimeRange(start=words[0].range.start, end=words[-1].range.end)
    text = joint.join(word.text for word in words)
    return Segment(text=text, range=whole, words=words, speaker=speaker)


def _even(text: str, each: int = 300, at: int = 0) -> Segment:
    """A segment in which each word takes as long, without pauses."""
    words = text.split()
    return _spoken(*((word, at + n * each, at + (n + 1) * each) for n, word in enumerate(words)))


def _cues(*segments: Segment) -> list[Cue]:
    return cues(Transcript(segments=segments))


def test_no_speech_gives_no_cues() -> None:
    assert cues(Transcript()) == []


def test_a_sentence_that_fits_is_one_cue_with_even_lines() -> None:
    text = "We choose to go to the moon in this decade and do the other things."
    (cue,) = _cues(_even(text))
    assert cue.lines == ("We choose to go to the moon in this", "decade and do the other things.")
    assert (cue.start_ms, cue.end_ms) == (0, 4500)


def test_a_long_stretch_breaks_where_a_sentence_ends() -> None:
    text = (
        "This sentence is said first. And this one is said after it, while nobody breathes at all."
    )
    shown = [" ".join(cue.lines) for cue in _cues(_even(text))]
    assert shown == [
        "This sentence is said first.",
        "And this one is said after it, while nobody breathes at all.",
    ]


def test_without_a_sentence_it_breaks_where_a_clause_ends() -> None:
    text = "a stretch of speech that has only one comma in it, which lies a little after the middle"
    first, second = _cues(_even(text))
    assert first.lines[-1].endswith("it,")
    assert second.lines[0].startswith("which")


def test_slow_speech_breaks_before_seven_seconds() -> None:
    shown = _cues(_even("one two three four", each=3000))
    assert [cue.lines for cue in shown] == [("one two",), ("three four",)]
    assert shown[0].end_ms == 6000 - GAP_MS


def test_a_pause_begins_a_new_cue() -> None:
    shown = _cues(_spoken(("before", 0, 400), ("after", 900, 1500)))
    assert [cue.lines for cue in shown] == [("before",), ("after",)]


def test_another_speaker_begins_a_new_cue() -> None:
    hello = TimeRange(start=Fraction(0), end=Fraction(1, 2))
    reply = TimeRange(start=Fraction(1, 2), end=Fraction(1))
    words = (
        Word(text="Hello?", range=hello, speaker="Ada"),
        Word(text="Yes.", range=reply, speaker="Bob"),
    )
    whole = TimeRange(start=Fraction(0), end=Fraction(1))
    shown = _cues(Segment(text="Hello? Yes.", range=whole, words=words, speaker="Ada"))
    assert [(cue.speaker, cue.lines) for cue in shown] == [("Ada", ("Hello?",)), ("Bob", ("Yes.",))]


def test_a_short_cue_is_shown_for_a_second_where_there_is_room() -> None:
    alone, next_one = _cues(_spoken(("No.", 0, 200)), _spoken(("Why?", 5000, 5200)))
    assert (alone.end_ms, next_one.end_ms) == (1000, 6000)


def test_a_cue_ends_a_little_before_the_next_one() -> None:
    first, second = _cues(_even("It is", 500), _even("over there now", 500, at=1000))
    assert (first.end_ms, second.start_ms) == (1000 - GAP_MS, 1000)


def test_a_word_that_lasts_too_long_is_shown_for_seven_seconds() -> None:
    (cue,) = _cues(_spoken(("Gooooal!", 1000, 61_000)))
    assert (cue.start_ms, cue.end_ms) == (1000, 8000)


def test_simultaneous_speakers_get_successive_cues() -> None:
    first, second = _cues(
        _spoken(("later", 500, 2000), speaker="Ada"), _spoken(("earlier", 0, 3000), speaker="Bob")
    )
    assert (first.lines, second.lines) == (("earlier",), ("later",))
    assert first.end_ms <= second.start_ms


def test_words_stand_apart_only_where_the_text_has_blanks() -> None:
    (cue,) = _cues(_spoken(("今日", 0, 300), ("は", 300, 500), ("晴れ。", 500, 900), joint=""))
    assert cue.lines == ("今日は晴れ。",)
    words = _spoken(("state", 0, 100), ("-of", 100, 200), ("things", 200, 300))
    (cue,) = _cues(words.model_copy(update={"text": " state-of things"}))
    assert cue.lines == ("state-of things",)


def test_words_that_the_text_does_not_have_stand_apart() -> None:
    words = _spoken(("one", 0, 100), ("two", 100, 200))
    (cue,) = _cues(words.model_copy(update={"text": "something else"}))
    assert cue.lines == ("one two",)


def test_wide_characters_take_two_columns() -> None:
    words = [("映像" * 5, n * 500, n * 500 + 500) for n in range(4)]
    (cue,) = _cues(_spoken(*words, joint=""))
    assert cue.lines == ("映像" * 10, "映像" * 10)


def test_a_segment_without_words_is_spread_over_its_time() -> None:
    whole = TimeRange(start=Fraction(10), end=Fraction(30))
    segment = Segment(text="aaaa bbbb\ncccc dddd", range=whole)
    shown = _cues(segment)
    assert [(cue.start_ms, cue.lines) for cue in shown] == [
        (10_000, ("aaaa",)),
        (15_000, ("bbbb",)),
        (20_000, ("cccc",)),
        (25_000, ("dddd",)),
    ]


@pytest.mark.parametrize(("start", "shown"), [("1/3000", 0), ("1/2000", 1), ("2999/3000", 1000)])
def test_times_are_rounded_to_the_nearest_millisecond(start: str, shown: int) -> None:
    word = TimeRange(start=Fraction(start), end=Fraction(2))
    (cue,) = _cues(Segment(text="a", range=word, words=(Word(text="a", range=word),)))
    assert (cue.start_ms, cue.end_ms) == (shown, 2000)


@given(transcripts, st.sampled_from([Fraction(1), Fraction(30), Fraction(200)]))
def test_no_cue_ends_after_the_media(spoken: Transcript, end: Fraction) -> None:
    clipped = [_clipped(segment, end) for segment in spoken.segments]
    shown = cues(Transcript(segments=tuple(clipped)), end)
    assert all(cue.end_ms <= end * 1000 for cue in shown)
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(shown))


def _clipped(segment: Segment, end: Fraction) -> Segment:
    def clip(range: TimeRange) -> TimeRange:
        return TimeRange(start=min(range.start, end), end=min(range.end, end))

    words = tuple(word.model_copy(update={"range": clip(word.range)}) for word in segment.words)
    return segment.model_copy(update={"range": clip(segment.range), "words": words})


@st.composite
def dialogues(draw: st.DrawFn) -> Transcript:
    """Draw words with blanks between, one after another, by speakers who take turns."""
    at, segments = Fraction(0), list[Segment]()
    for _ in range(draw(st.integers(1, 6))):
        words: list[Word] = []
        for _ in range(draw(st.integers(1, 15))):
            start = at + draw(st.sampled_from([0, 0, 0, Fraction(1, 10), Fraction(3, 5), 2]))
            at = start + draw(st.sampled_from([Fraction(1, 50), Fraction(1, 10), Fraction(2, 5)]))
            text = draw(st.sampled_from(["a", "so", "word", "clause,", "sentence.", "w" * 14]))
            words.append(Word(text=text, range=TimeRange(start=start, end=at)))
        segments.append(
            Segment(
                text=" ".join(word.text for word in words),
                range=TimeRange(start=words[0].range.start, end=at),
                words=tuple(words),
                speaker=draw(st.sampled_from([None, None, None, "Ada"])),
            )
        )
    return Transcript(segments=tuple(segments))


def _with_words(shown: list[Cue], spoken: Transcript) -> list[tuple[Cue, list[Word]]]:
    words = iter(spoken.words)
    return [(cue, list(islice(words, len(" ".join(cue.lines).split())))) for cue in shown]


@given(dialogues(), st.sampled_from([None, Fraction(0), Fraction(1, 2)]))
def test_cue_is_hard_to_read_only_where_unavoidable(
    spoken: Transcript, rest: Fraction | None
) -> None:
    """See the module's docstring for what is avoidable. `rest` is the silence at the end."""
    end = None if rest is None else spoken.words[-1].range.end + rest
    shown = _with_words(cues(spoken, end), spoken)
    after_all = sys.maxsize if end is None else int(end * 1000) + GAP_MS
    free = 0
    for at, (cue, words) in enumerate(shown):
        following = shown[at + 1][0].start_ms if at + 1 < len(shown) else after_all
        if _is_hard(cue):
            assert cue.end_ms >= following - GAP_MS
            assert cue.start_ms <= max(free, _milliseconds(words[0].range.start) - EARLIEST_MS)
            assert not any(_fit_one_cue(*pair) for pair in pairwise(shown[max(0, at - 1) : at + 2]))
        free = cue.end_ms + GAP_MS


def _is_hard(cue: Cue) -> bool:
    length = cue.end_ms - cue.start_ms
    return length < max(SHORTEST_MS, len(" ".join(cue.lines)) * 1000 / RATE)


def _milliseconds(moment: Fraction) -> int:
    return round(moment * 1000)


@given(dialogues())
def test_short_word_is_alone_only_where_unavoidable(spoken: Transcript) -> None:
    shown = _with_words(cues(spoken), spoken)
    for one, other in pairwise(shown):
        texts = [" ".join(cue.lines) for cue, _ in (one, other)]
        if any(len(text) <= ORPHAN and " " not in text for text in texts):
            assert not _fit_one_cue(one, other)
    for cue, words in shown:
        if len(cue.lines) == 2 and min(map(len, cue.lines)) <= ORPHAN:
            texts = [word.text for word in words]
            assert not any(
                max(map(len, lines)) <= WIDTH and min(map(len, lines)) > ORPHAN
                for at in range(1, len(texts))
                for lines in [(" ".join(texts[:at]), " ".join(texts[at:]))]
            )


def _fit_one_cue(one: tuple[Cue, list[Word]], other: tuple[Cue, list[Word]]) -> bool:
    """Return whether the words of two cues could be shown as one."""
    words = [*one[1], *other[1]]
    texts = [word.text for word in words]
    lines = range(len(texts))
    fit = any(max(len(" ".join(texts[:at])), len(" ".join(texts[at:]))) <= WIDTH for at in lines)
    pause = other[1][0].range.start - one[1][-1].range.end
    lasts = words[-1].range.end - words[0].range.start
    return fit and one[0].speaker == other[0].speaker and pause < JOINED_PAUSE and lasts <= LONGEST


def test_word_is_not_broken_over_cues_or_lines() -> None:
    parts = [("dell", 0, 200), ("'officina", 200, 900)] * 6
    segment = _spoken(
        *(
            (text, 900 * (at // 2) + start, 900 * (at // 2) + end)
            for at, (text, start, end) in enumerate(parts)
        )
    )
    shown = _cues(segment.model_copy(update={"text": " ".join(["dell'officina"] * 6)}))
    assert {word for cue in shown for line in cue.lines for word in line.split()} == {
        "dell'officina"
    }


def test_short_word_is_not_left_alone() -> None:
    shown = _cues(_spoken(("No.", 0, 900)), _spoken(("I said so.", 1500, 3000)))
    assert [cue.lines for cue in shown] == [("No. I said so.",)]


def test_line_breaks_after_a_clause() -> None:
    (cue,) = _cues(_even("When it rains all day, we stay at home and read a book.", 200))
    assert cue.lines == ("When it rains all day,", "we stay at home and read a book.")


def test_fast_cue_is_shown_into_the_silence() -> None:
    text = "extraordinarily uncharacteristic behaviour"
    (cue,) = _cues(_even(text, 100))
    assert cue.end_ms == 2000


def test_short_cue_delays_the_next_speaker() -> None:
    first = _spoken(("Really?", 0, 300), speaker="Ada")
    second = _spoken(("Yes,", 450, 900), ("really.", 900, 2900), speaker="Bob")
    shown = _cues(first, second)
    assert [(cue.start_ms, cue.end_ms) for cue in shown] == [
        (0, SHORTEST_MS),
        (SHORTEST_MS + GAP_MS, 2900),
    ]


def test_only_word_of_a_short_media_ends_with_it() -> None:
    (cue,) = cues(Transcript(segments=(_spoken(("Yes.", 0, 100)),)), Fraction(6119, 10_000))
    assert (cue.start_ms, cue.end_ms) == (0, 611)
