"""Markers: shared kinds, a project's own, and what a finding may claim."""

from fractions import Fraction

import pytest
from pydantic import ValidationError

from video_pipeline.domain.results.markers import Box, Kind, Marker
from video_pipeline.domain.time import TimeRange

SECOND = TimeRange(start=Fraction(0), end=Fraction(1))


@pytest.mark.parametrize("kind", [*Kind, "x-logo", "x-0", "x-goal-kick"])
def test_a_kind_is_shared_or_a_project_s_own(kind: str) -> None:
    marker = Marker(kind=kind, range=SECOND)
    assert type(marker.kind) is str
    assert Marker.model_validate_json(marker.model_dump_json()) == marker


@pytest.mark.parametrize("kind", ["", "logo", "Shot", "x-", "x-Logo", "x--", "x-a b", "x-a\n"])
def test_any_other_kind_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError, match="no marker kind"):
        Marker(kind=kind, range=SECOND)


@pytest.mark.parametrize("confidence", [-0.01, 1.01, float("nan")])
def test_a_confidence_lies_between_0_and_1(confidence: float) -> None:
    with pytest.raises(ValidationError):
        Marker(kind=Kind.SHOT, range=SECOND, confidence=confidence)


def test_a_box_is_in_fractions_of_the_picture() -> None:
    assert Box(left=0, top=0, width=1, height=1)
    with pytest.raises(ValidationError):
        Box(left=0, top=0, width=1920, height=1080)


def test_a_marker_does_not_change_and_has_no_other_fields() -> None:
    marker = Marker(kind=Kind.SHOT, range=SECOND)
    with pytest.raises(ValidationError, match="frozen"):
        marker.label = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="extra"):
        Marker.model_validate({"kind": "shot", "range": SECOND, "score": 1})
