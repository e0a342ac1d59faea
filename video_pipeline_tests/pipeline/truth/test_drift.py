"""Drift of drawn words against drawn sound: measured where it can be, and told above a bound."""

import pytest

from video_pipeline.pipeline.truth.drift import finding, measured
from video_pipeline.pipeline.truth.words import Spoken
from video_pipeline_tests.pipeline.truth.talking import said, segment, sound, talk

# Drawn words have no usual lead over their sound, so that they count as this late.
_DRAWN = 0.075


def _late(offset: float, rate: float, minutes: float = 3) -> tuple[Spoken, Spoken]:
    words = Spoken.of(talk(minutes)[0])
    moved = [moments * (1 + rate) + offset - _DRAWN for moments in (words.starts, words.ends)]
    return words, Spoken(words.texts, *(moments.clip(0) for moments in moved))


@pytest.mark.parametrize("offset", [-5.0, -1.0, -0.3, -0.1, 0.0, 0.1, 0.3, 1.0, 5.0])
def test_offset_is_measured_to_a_twentieth(offset: float) -> None:
    drift = measured(_late(offset, 0)[1], talk(3)[1])
    assert drift is not None
    assert drift.offset == pytest.approx(offset, abs=0.05)
    assert drift.rate == pytest.approx(0, abs=0.002)
    assert (finding(drift) is not None) is (abs(offset) > 0.2)


@pytest.mark.parametrize("rate", [-0.042, -0.01, 0.01, 0.02, 0.042])
def test_rate_is_measured(rate: float) -> None:
    drift = measured(_late(0, rate)[1], talk(3)[1])
    assert drift is not None
    assert drift.rate == pytest.approx(rate, rel=0.25)
    found = finding(drift)
    assert found is not None and "% of the time more" in found.what


def test_rate_is_followed_for_twenty_minutes() -> None:
    """At the end words lie further off than one window is searched for."""
    drift = measured(_late(0, 0.02, 20)[1], talk(20)[1])
    assert drift is not None and drift.rate == pytest.approx(0.02, rel=0.1)


_NOT_MEASURABLE = {
    "no word": (said(), sound([(1, 100)], 180)),
    "half a minute": talk(0.5),
    "speech without a pause": (said(segment("a " * 400, 0, 0.5)), sound([(0, 200)], 200)),
    "words without sound": (talk(3)[0], sound([], 180)),
    "a transcript of something else": (talk(3, seed=2)[0], talk(3)[1]),
}


@pytest.mark.parametrize("case", _NOT_MEASURABLE)
def test_drift_is_not_measurable(case: str) -> None:
    transcript, heard = _NOT_MEASURABLE[case]
    assert measured(Spoken.of(transcript), heard) is None
