"""Repetitions that no speaker makes, told from those that speakers make."""

import pytest

from video_pipeline.providers.local.speech.loops import Said, find_loop

REFRAIN = ["row", "row", "row", "your", "boat", "gently", "down", "the", "stream"]


def _said(words: list[str], each: float = 0.3) -> list[Said]:
    return [Said(f" {word}", at * each, (at + 1) * each) for at, word in enumerate(words)]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        pytest.param(["ne", "ho,", *["a,"] * 112], ["ne", "ho,", "a,"], id="one word"),
        pytest.param(
            ["thank", "you", "very", "much"] * 10, ["thank", "you", "very", "much"], id="4"
        ),
        pytest.param(["-", "U"] * 60, ["-", "U"], id="a hyphen and a letter"),
        pytest.param(["yes", *REFRAIN * 7], ["yes", *REFRAIN], id="a refrain seven times"),
        pytest.param(["well", "ha" * 60], ["well"], id="a long word without blanks"),
    ],
)
def test_loop_is_found_after_the_first_time(words: list[str], kept: list[str]) -> None:
    loop = find_loop(_said(words))
    assert loop is not None
    assert words[: loop.first] + words[loop.after :] == kept


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["no"] * 4, id="no four times"),
        pytest.param(["no,"] * 10, id="no ten times"),
        pytest.param(["row"] * 3 + REFRAIN * 4, id="a refrain four times"),
        pytest.param([str(number) for number in range(100)], id="counting"),
        pytest.param(["one", "two", "one", "two", "three", "four", "one", "two"], id="a count-in"),
        pytest.param(["Donaudampfschifffahrtsgesellschaftskapitän"], id="a long word"),
        pytest.param([], id="nothing"),
    ],
)
def test_repetition_that_people_make_is_no_loop(words: list[str]) -> None:
    assert find_loop(_said(words)) is None


def test_repetition_faster_than_speech_is_a_loop() -> None:
    assert find_loop(_said(["no"] * 5, each=0.05)) is not None
    assert find_loop(_said(["no"] * 4, each=0.0)) is None


def test_no_repetition_is_allowed_beyond_a_given_limit() -> None:
    assert find_loop(_said(["a"] * 5), allowed=4) is not None
    assert find_loop(_said(["a"] * 4), allowed=4) is None
