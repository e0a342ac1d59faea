"""How many runs a tick requests, by what the last ones cost."""

from datetime import UTC, datetime, timedelta

import pytest

from video_pipeline.defs.portions import FEWEST, FIRST, MOST, Portion

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size", "requested", "seconds", "expected", "reason"),
    [
        (5, 0, 600, 5, "nothing was requested: the pause tells nothing"),
        (5, 5, 5, 10, "there is time for twice as many"),
        (5, 5, 0, 10, "never more than twice as many"),
        (80, 80, 5, MOST, "never more than the most"),
        (40, 40, 8, 50, "as many as fit into the target"),
        (40, 40, 20, 20, "half as many fit into it"),
        (10, 10, 285, FEWEST, "never fewer than the fewest"),
        (40, 3, 5, 40, "too few to learn from"),
        (40, 9, 30, 3, "few, but slow"),
        (40, 40, -3600, 40, "the clock was set back"),
    ],
)
def test_portion_follows_the_cost_of_the_last(
    size: int, requested: int, seconds: float, expected: int, reason: str
) -> None:
    ended = Portion(size=size).spent(requested, NOW)
    assert ended.next(NOW + timedelta(seconds=seconds)).size == expected, reason


def test_first_portion_is_small() -> None:
    assert Portion().next(NOW).size == FIRST
