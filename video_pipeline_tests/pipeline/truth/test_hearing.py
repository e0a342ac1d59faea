"""Words against speech activity, as a table."""

import pytest

from video_pipeline.pipeline.truth.hearing import heard
from video_pipeline.pipeline.truth.words import Spoken
from video_pipeline_tests.pipeline.truth.talking import said, segment, span

_SIX = "one two three four five six"
_CASES = {
    "nothing over nothing": ((), (), []),
    "nothing over a shout": ((), ((1, 2.5),), []),
    "nothing over speech": ((), ((1, 3), (4, 6)), ["empty-over-speech 1-6"]),
    "words over speech": ((segment(_SIX, 1),), ((1, 4),), []),
    "words beside speech": ((segment(_SIX, 1),), ((1.4, 3.6),), []),
    "words over nothing": (
        (segment("Thanks for watching", 20, 0.3),),
        (),
        ["words-without-speech 20-21"],
    ),
    "two words over nothing": ((segment("Thank you.", 20, 0.4),), (), []),
    "one long word over nothing": ((segment("Aah", 20, 2),), (), ["words-without-speech 20-22"]),
    "words after the speech": (
        (segment(_SIX, 1), segment(_SIX, 30)),
        ((1, 4),),
        ["words-without-speech 30-33"],
    ),
    "cut off": ((segment(_SIX, 1),), ((1, 4), (6, 60)), ["speech-without-words 6-60"]),
    "a laugh": ((segment(_SIX, 1),), ((1, 4), (6, 9)), []),
    "left out between": (
        (segment(_SIX, 1), segment(_SIX, 20)),
        ((1, 8), (9, 23)),
        ["speech-without-words 5-19"],
    ),
    "before the first word": ((segment(_SIX, 20),), ((2, 23),), ["speech-without-words 2-19"]),
}


@pytest.mark.parametrize("case", _CASES)
def test_words_against_speech(case: str) -> None:
    segments, speech, expected = _CASES[case]
    found = heard(Spoken.of(said(*segments)), tuple(span(*one) for one in speech))
    ranges = [(one.kind, one.range) for one in found]
    told = [f"{k} {float(r.start):g}-{round(float(r.end))}" for k, r in ranges if r]
    assert told == expected


def test_segments_without_words_count_by_their_text() -> None:
    untimed = segment(_SIX, 30).model_copy(update={"words": ()})
    (found,) = heard(Spoken.of(said(untimed)), ())
    assert found.what == "6 words, and no speech is heard"
