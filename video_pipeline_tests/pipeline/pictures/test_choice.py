"""Which stretches of a video have a picture, and which candidate is the best of a stretch."""

from fractions import Fraction

import pytest

from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.time import TimeRange
from video_pipeline.pipeline.pictures.candidates import Rated
from video_pipeline.pipeline.pictures.choice import (
    MOST_PICTURES,
    best,
    longest_of,
    stretches,
    without_candidate,
)


def between(start: int | Fraction, end: int | Fraction) -> TimeRange:
    return TimeRange(start=Fraction(start), end=Fraction(end))


def shot(start: int, end: int) -> Marker:
    return Marker(kind=Kind.SHOT, range=between(start, end))


def rated(at: str, sharpness: float = 9, luma: float = 90, contrast: float = 40) -> Rated:
    return Rated.model_validate(
        {"at": at, "begins": None, "sharpness": sharpness, "luma": luma, "contrast": contrast}
        | {"size": 1}
    )


@pytest.mark.parametrize(
    ("length", "shots", "changes", "expected"),
    [
        pytest.param(6, [(0, 2), (2, 6)], [3], [(0, 2, 0), (2, 6, 1)], id="one a shot"),
        pytest.param(
            150, [(0, 30), (30, 150)], [], [(0, 30, 0), (30, 90, 1), (90, 150, 1)], id="long shot"
        ),
        pytest.param(
            15, [], [3, 0, 20], [(0, 3, None), (3, 9, None), (9, 15, None)], id="no shots"
        ),
        pytest.param(0, [], [], [], id="no length"),
    ],
)
def test_stretches_of_a_video(length, shots, changes, expected) -> None:
    markers = [shot(*one) for one in shots]
    found = stretches(Fraction(length), markers, [Fraction(at) for at in changes])
    assert [(one.range.start, one.range.end, one.shot) for one in found] == expected


def test_ten_hours_without_shots_are_covered_to_the_end() -> None:
    found = longest_of(stretches(Fraction(36_000), [], []))
    assert len(found) == MOST_PICTURES // 2
    assert found[-1].range.end == 36_000


def test_of_too_many_shots_the_longest_have_pictures() -> None:
    shots = [shot(2 * n, 2 * n + 1 + n % 2) for n in range(2 * MOST_PICTURES)]
    chosen = longest_of(stretches(Fraction(4 * MOST_PICTURES), shots, []))
    assert [one.shot for one in chosen] == list(range(1, 2 * MOST_PICTURES, 2))


SHARP, BLACK = rated("2", 30), rated("3", 31, luma=2, contrast=1)
BLANK, BLURRED = rated("4", 0, luma=200, contrast=1), rated("5", 3)


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        pytest.param([SHARP, BLACK, BLANK, BLURRED], SHARP, id="the sharpest"),
        pytest.param([BLACK, BLURRED], BLURRED, id="rather blurred than black"),
        pytest.param([BLACK, BLANK], BLACK, id="only black and blank"),
        pytest.param([rated("1", 9), rated("5", 9.5)], rated("5", 9.5), id="as sharp, nearer"),
        pytest.param([rated("0"), rated("30")], rated("0"), id="none within, the nearest"),
        pytest.param([], None, id="none"),
    ],
)
def test_best_candidate(candidates, expected) -> None:
    assert best(between(1, 10), candidates) == expected


def test_best_candidate_is_outside_of_transitions() -> None:
    dissolve = [between(1, 3)]
    assert best(between(1, 10), [SHARP, BLURRED], dissolve) == BLURRED
    assert best(between(1, 3), [SHARP], dissolve) == SHARP


def test_stretch_ends_before_its_end() -> None:
    found = stretches(Fraction(6), [shot(0, 2), shot(2, 6)], [])
    assert without_candidate(found, [rated("2"), rated("6")]) == found[:1]
