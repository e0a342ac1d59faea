"""The real code does what is recorded: one situation in fifteen, and one for each change."""

import pytest

from video_pipeline_tests.unit_life.cases import cases
from video_pipeline_tests.unit_life.characterise import driver
from video_pipeline_tests.unit_life.situations import now_of, rows

ROWS, CASES = rows(), list(cases())
FIRST = {row.get("why"): n for n, row in reversed(list(enumerate(ROWS)))}
CHOSEN = [n for n in range(len(ROWS)) if n % 15 == 0 or n in FIRST.values()]


def test_every_situation_is_recorded() -> None:
    assert [case.when for case in CASES] == [row["when"] for row in ROWS]


@pytest.mark.parametrize("number", CHOSEN)
def test_unit_is_treated_as_recorded(number: int, mongo_uri: str) -> None:
    with driver(mongo_uri) as drive:
        assert drive(CASES[number], number) == now_of(ROWS[number])
