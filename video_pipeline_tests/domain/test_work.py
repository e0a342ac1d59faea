"""Work units: what identifies a request, and the moves a unit's life allows."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from video_pipeline.domain.errors import IllegalMove
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import (
    NEXT,
    UnitState,
    WorkRequest,
    check_move,
    choice_hash,
    unit_id,
)

REQUEST = WorkRequest(
    key=VideoKey.parse("acme/intro"),
    content="0" * 64,
    provider="light",
    plugin="pyscenedetect 0.7",
    account="acme-prod",
    region="eu-west-1",
    operation="shots",
    phases=(Phase.SHOTS,),
    kinds=("shot",),
    parameters={"threshold": 3, "nested": {"b": 1, "a": [None, True]}},
    model="adaptive",
)

UNSENT = {"planned", "queued", "admitted"}
SENT = {"submitting", "unanswered", "returned"}
JOB = {"running", "ended", "unfetched"}
OVER = {"settled", "failed", "cancelled"}
LEGAL: dict[str, set[str]] = {
    **dict.fromkeys(UNSENT, UNSENT | {"submitting", "unanswered", "failed", "cancelled"}),
    **dict.fromkeys(SENT, OVER | {"planned", "returned", "running", "in_doubt"}),
    **dict.fromkeys(JOB, OVER | JOB),
    "in_doubt": OVER,
    **{state: set[str]() for state in OVER},
}


@pytest.mark.parametrize(("before", "after"), list(product(UnitState, UnitState)))
def test_unit_allows_only_valid_transitions(before: UnitState, after: UnitState) -> None:
    if after in LEGAL[before]:
        check_move("u", before, after)
    else:
        with pytest.raises(IllegalMove, match=f"from {before} to {after}"):
            check_move("u", before, after)


@pytest.mark.parametrize("state", UnitState)
def test_ended_unit_allows_no_transition(state: UnitState) -> None:
    assert state.final == (not NEXT[state.stage])
    assert not state.may_be_reopened or state.final


def test_settled_work_is_not_repeated_automatically() -> None:
    assert not UnitState.SETTLED.may_be_reopened
    assert not UnitState.IN_DOUBT.may_be_reopened


@pytest.mark.parametrize(
    "change",
    [
        {"key": VideoKey.parse("acme2/intro")},
        {"key": VideoKey.parse("acme/outro")},
        {"content": "1" * 64},
        {"provider": "other"},
        {"plugin": "pyscenedetect 0.8"},
        {"account": "acme-test"},
        {"region": "us-east-1"},
        {"operation": "transcribe"},
        {"phases": (Phase.SHOTS, Phase.OBJECTS)},
        {"kinds": ("shot", "label")},
        {"parameters": {"threshold": 4}},
        {"model": "network"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_parameter_is_another_request(change: dict[str, Any]) -> None:
    other = REQUEST.model_copy(update=change)
    assert other.digest != REQUEST.digest
    assert unit_id(other, 1) != unit_id(REQUEST, 1)


def test_every_part_of_a_request_identifies_it() -> None:
    assert set(WorkRequest.model_fields) == {
        *("key", "content", "provider", "plugin", "account", "region", "operation"),
        *("phases", "kinds", "parameters", "model"),
    }


def test_the_order_of_parameters_does_not_matter() -> None:
    other = REQUEST.model_copy(
        update={"parameters": {"nested": {"a": [None, True], "b": 1}, "threshold": 3}}
    )
    assert unit_id(other, 1) == unit_id(REQUEST, 1)


def test_a_request_read_back_is_the_same_request() -> None:
    again = WorkRequest.model_validate_json(REQUEST.model_dump_json())
    assert again.digest == REQUEST.digest


def test_another_generation_is_another_unit() -> None:
    ids = {unit_id(REQUEST, generation) for generation in range(1, 5)}
    assert len(ids) == 4
    assert all(len(one) == 40 and int(one, 16) for one in ids)


def test_ids_stay_the_same_from_release_to_release() -> None:
    """A changed id would buy again what was bought before."""
    assert unit_id(REQUEST, 1) == "b6e595db7bc72dfb529bc15d6a25aa4c9b817869"


@pytest.mark.parametrize(
    "other",
    [
        lambda: choice_hash("b", "m", {"o": 1}),
        lambda: choice_hash("a", "n", {"o": 1}),
        lambda: choice_hash("a", "m", {"o": 2}),
        lambda: choice_hash("a", "m", {}),
    ],
)
def test_another_choice_has_another_hash(other: Callable[[], str]) -> None:
    assert other() != choice_hash("a", "m", {"o": 1})
