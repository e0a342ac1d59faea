"""What a transcript shows by itself, as a table."""

import pytest

from video_pipeline.domain.results.findings import Finding, FindingKind
from video_pipeline.domain.results.transcript import Segment, Transcript
from video_pipeline.pipeline.truth.words import ignored_options, own_faults, within
from video_pipeline_tests.pipeline.truth.talking import said, segment, span

_VIDEO = span(0, 100)
_SENTENCE = "a line of eight words that come again"


def _kinds(found: list[Finding]) -> list[str]:
    return [one.kind for one in found]


def _moved(one: Segment, number: int, start: float, end: float) -> Segment:
    words = list(one.words)
    words[number] = words[number].model_copy(update={"range": span(start, end)})
    return one.model_copy(update={"words": tuple(words)})


_GOOD = segment("these are six good words here")
_FAULTS = {
    "good": (_GOOD, []),
    "no, no, no, no, no": (segment("no, " * 5), []),
    "a word without end": (segment("a, " * 112, each=0.3), ["loop"]),
    "two words without end": (segment("come on " * 7), ["loop"]),
    "a line three times": (segment(f"{_SENTENCE} " * 3), []),
    "a line four times": (segment(f"{_SENTENCE} " * 4), ["loop"]),
    "case and points do not hide it": (segment("Yes. yes, YES! " * 3), ["loop"]),
    "a stretched word": (_moved(_GOOD, 5, 2.5, 6), ["stretched-word", "times-outside"]),
    "a long number": (segment("1,234,567,890,123", each=4), []),
    "a word after the end": (_moved(_GOOD, 5, 100, 101), ["times-outside"]),
    "a word out of its segment": (_moved(_GOOD, 0, 3.6, 3.8), ["times-outside", "out-of-order"]),
    "a word before its predecessor": (_moved(_GOOD, 3, 0.2, 0.4), ["out-of-order"]),
    "rounding": (_moved(_GOOD, 3, 0.97, 1.4), []),
}


@pytest.mark.parametrize("case", _FAULTS)
def test_transcript_by_itself(case: str) -> None:
    one, expected = _FAULTS[case]
    assert _kinds(list(own_faults(said(one), _VIDEO))) == expected


def test_loop_without_words_is_found_by_its_text() -> None:
    untimed = segment("thanks for watching " * 6).model_copy(update={"words": ()})
    (found,) = own_faults(said(untimed), _VIDEO)
    assert str(found) == (
        "loop at 0:00:00.000 to 0:00:09.000: 3 words follow themselves 6 times. Choose another "
        "provider or model: it repeats itself instead of transcribing."
    )


def test_many_faults_are_listed_up_to_ten() -> None:
    stretched = segment(" ".join("abcdefghijklm"), each=4)
    found = list(own_faults(said(stretched), _VIDEO))
    assert (len(found), found[-1].what) == (11, "and 3 more")
    assert found[-1].range == span(40, 52)


def _named(one: Segment) -> Segment:
    return one.model_copy(update={"speaker": "spk_0"})


_UNTIMED = _GOOD.model_copy(update={"words": ()})
_ASKED = {
    "nothing asked": (said(_UNTIMED), {}, []),
    "word times": (said(_GOOD, _UNTIMED), {"word_times": True}, ["no-word-times"]),
    "word times given": (said(_GOOD), {"word_times": True}, []),
    "speakers": (said(_GOOD), {"speakers": True}, ["no-speakers"]),
    "speakers given": (said(_named(_GOOD)), {"speakers": True}, []),
    "no words, no speakers": (said(), {"speakers": True}, []),
    "unsure": (said(_GOOD, language_confidence=0.3), {}, ["unsure-language"]),
    "sure": (said(_GOOD, language_confidence=0.5), {}, []),
    "language requested": (said(_GOOD, language_confidence=0.3), {"language": "fr"}, []),
}


@pytest.mark.parametrize("case", _ASKED)
def test_asked_for_and_ignored(case: str) -> None:
    transcript, asked, expected = _ASKED[case]
    given = {"word_times": False, "speakers": False, "language": None, **asked}
    assert _kinds(list(ignored_options(transcript, **given))) == expected


@pytest.mark.parametrize(("start", "end"), [(2.5, 3.5), (3.2, 3.5)])
def test_word_is_cut_off_at_the_end_of_the_video(start: float, end: float) -> None:
    cut = within(said(_moved(_GOOD, 5, start, end)), span(0, 3))
    assert cut.words[5].range == span(min(start, 3), 3)
    assert within(said(_GOOD), span(0, 3)) == said(_GOOD)


def test_kinds_of_findings_of_empty_transcript() -> None:
    assert list(own_faults(Transcript(), _VIDEO)) == []
    assert FindingKind.LOOP == "loop"
