"""Values that are stored, hashed or told to providers are what they were when they were recorded."""

import json
from typing import Any

import pytest

from video_pipeline_tests.frozen.record_values import GROUPS, VALUES, compute

RECORDED: dict[str, Any] = json.loads(VALUES.read_text())
SHOWN = 20
WHY = (
    "A changed value asks for a paid job again, or loses what is stored: units, results, runs that "
    "are held or queued, partitions, objects. Give it back its old value. Never record the values "
    "anew without a migration of what was stored under the old ones. A value that is new is "
    "recorded by `python -m video_pipeline_tests.frozen.record_values`."
)


def differences(recorded: Any, now: Any, at: str) -> list[str]:
    """Each place where two values differ, with both."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        names = [*recorded, *(name for name in now if name not in recorded)]
        gone = object()
        return [
            line
            for name in names
            for line in (
                [f"{at}.{name} is gone: {recorded[name]!r}"]
                if now.get(name, gone) is gone
                else [f"{at}.{name} is new: {now[name]!r}"]
                if name not in recorded
                else differences(recorded[name], now[name], f"{at}.{name}")
            )
        ]
    if isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        pairs = enumerate(zip(recorded, now, strict=True))
        return [line for n, (one, two) in pairs for line in differences(one, two, f"{at}[{n}]")]
    return [] if recorded == now else [f"{at} was {recorded!r} and is {now!r}"]


@pytest.mark.parametrize("group", GROUPS)
def test_frozen_values_unchanged(group: str) -> None:
    found = differences(RECORDED.get(group, {}), compute(group), group)
    told = "\n".join(found[:SHOWN])
    assert not found, f"{len(found)} frozen values differ.\n{told}\n{WHY}"


def test_recorded_groups_are_all_computed() -> None:
    assert set(RECORDED) == set(GROUPS), WHY


def test_twenty_requests_are_recorded() -> None:
    digests = {one["digest"] for one in RECORDED["requests"]}
    assert len(digests) >= 20
