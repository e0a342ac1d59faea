"""What is stored, hashed or told to providers is what it was when it was recorded."""

import json
from typing import Any

import pytest

from video_pipeline_tests.frozen.record_values import GROUPS, VALUES, WHY, compute, differences

RECORDED: dict[str, Any] = json.loads(VALUES.read_text())
SHOWN = 20


@pytest.mark.parametrize("group", GROUPS)
def test_frozen_values_unchanged(group: str) -> None:
    found = differences(RECORDED.get(group, {}), compute(group), group)
    told = "\n".join(found[:SHOWN])
    assert not found, f"{len(found)} frozen values differ.\n{told}\n{WHY}"


def test_frozen_groups_all_computed() -> None:
    assert set(RECORDED) == set(GROUPS), WHY


def test_frozen_requests_at_least_twenty() -> None:
    digests = {one["digest"] for one in RECORDED["requests"]}
    assert len(digests) >= 20
