"""A phase that fails again and again is given up, alone, and comes back when somebody says so."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from video_pipeline.domain.errors import (
    InputError,
    PipelineError,
    StorageError,
    StorageFull,
    StorageUnavailable,
)
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.analysis.failure_limit import is_retryable, revive
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
SHOTS = [Phase.SHOTS]


@pytest.fixture
def patient(services: Services) -> Services:
    """Gives a phase up after three runs, each of which asks once."""
    policy = services.policy.model_copy(update={"dead_after": 3, "attempts": 1})
    return replace(services, policy=policy)


@pytest.fixture
def key(deliver: Deliver, vendor: Vendor) -> VideoKey:
    vendor.default = "busy"
    return deliver("acme/film")


def ask(services: Services, key: VideoKey, run: str, **more: str) -> Outcome:
    return analyse(services, key, SHOTS, run_id=run, **more)[Phase.SHOTS]


@pytest.fixture
def dead(patient: Services, key: VideoKey) -> VideoKey:
    states = [ask(patient, key, run).state for run in "123"]
    assert states == [PhaseState.FAILED, PhaseState.FAILED, PhaseState.DEAD]
    return key


def test_a_dead_phase_asks_nobody_and_says_how_it_comes_back(
    patient: Services, dead: VideoKey, vendor: Vendor
) -> None:
    asked = vendor.submissions[str(dead)]
    outcome = ask(patient, dead, "4")
    assert outcome.state is PhaseState.DEAD
    assert "revive acme/film shots" in outcome.message and "busy" in outcome.message
    assert outcome.message.count("Given up") == 1
    assert vendor.submissions[str(dead)] == asked


def test_one_run_counts_once_however_often_it_asks(patient: Services, key: VideoKey) -> None:
    assert [ask(patient, key, "same").state for _ in range(4)] == [PhaseState.FAILED] * 4


def test_no_other_phase_video_or_project_is_touched(
    patient: Services, dead: VideoKey, deliver: Deliver, vendor: Vendor
) -> None:
    vendor.default = "now"
    others = analyse(patient, dead, [Phase.SHOTS, Phase.TRANSCRIPT, Phase.THUMBNAILS], run_id="4")
    assert others[Phase.TRANSCRIPT].state.good and others[Phase.THUMBNAILS].state.good
    for other in ("acme/other", "globex/film"):
        assert ask(patient, deliver(other), "5").state.good


def test_revived_it_is_asked_again(patient: Services, dead: VideoKey, vendor: Vendor) -> None:
    assert revive(patient, dead) == SHOTS
    vendor.default = "now"
    assert ask(patient, dead, "4").state.good
    with pytest.raises(InputError, match="no phase"):
        revive(patient, dead)


def test_force_asks_again_and_a_result_forgets(
    patient: Services, dead: VideoKey, vendor: Vendor
) -> None:
    vendor.default = "now"
    assert ask(patient, dead, "4", forced_by="4").state.good
    assert ask(patient, dead, "5").reused


def test_another_choice_or_another_source_begins_anew(
    patient: Services, dead: VideoKey, vendor: Vendor, deliver: Deliver, tmp_path: Path
) -> None:
    choice = Choices(phases={Phase.SHOTS: PhaseChoice(providers=("without-token",))})
    assert ask(replace(patient, choices=choice), dead, "4").state is PhaseState.FAILED
    deliver(str(dead), encode(tmp_path / "other.mp4", seconds=3))
    assert ask(patient, dead, "5").state is PhaseState.FAILED


def test_what_a_person_must_mend_never_dies(
    patient: Services, key: VideoKey, vendor: Vendor
) -> None:
    vendor.default = "refuse"
    assert {ask(patient, key, run).state for run in "12345"} == {PhaseState.FAILED}


def test_nor_does_a_request_in_doubt_which_is_released_by_a_person(
    patient: Services, key: VideoKey, vendor: Vendor
) -> None:
    vendor.default = "drop"
    order = Choices(phases={Phase.SHOTS: PhaseChoice(providers=("without-token",))})
    states = {ask(replace(patient, choices=order), key, run).state for run in "12345"}
    assert states == {PhaseState.FAILED} and vendor.submissions[str(key)] == 1


def test_a_request_that_the_vendor_recognises_counts(
    patient: Services, key: VideoKey, vendor: Vendor
) -> None:
    vendor.default = "drop"
    assert [ask(patient, key, run).state for run in "123"][-1] is PhaseState.DEAD


@pytest.mark.parametrize("error", [StorageUnavailable, StorageFull, StorageError, InputError])
def test_only_what_a_provider_may_yet_deliver_counts(error: type[PipelineError]) -> None:
    assert not is_retryable(error("refused", remedy="Look."))


def test_it_counts_where_any_provider_in_the_order_may_yet_deliver(
    patient: Services, key: VideoKey, vendor: Vendor
) -> None:
    order = PhaseChoice(providers=("with-token", "without-token"))
    both = replace(patient, choices=Choices(phases={Phase.SHOTS: order}))
    vendor.behave("acme/film", *["busy", "refuse"] * 3)
    assert [ask(both, key, run).state for run in "123"] == [
        *(PhaseState.FAILED, PhaseState.FAILED, PhaseState.DEAD)
    ]
