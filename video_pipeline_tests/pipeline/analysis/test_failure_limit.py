"""A phase that keeps failing becomes dead, alone, until it is revived."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from video_pipeline.domain.errors import (
    InputError,
)
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.analysis.failure_limit import revive
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
SHOTS = [Phase.SHOTS]


@pytest.fixture
def patient(services: Services) -> Services:
    """Services whose failure limit is three runs of one attempt each."""
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


def test_dead_phase_sends_no_request_and_names_revive(
    patient: Services, dead: VideoKey, vendor: Vendor
) -> None:
    asked = vendor.submissions[str(dead)]
    outcome = ask(patient, dead, "4")
    assert outcome.state is PhaseState.DEAD
    assert "revive acme/film shots" in outcome.message and "busy" in outcome.message
    assert outcome.message.count("Given up") == 1
    assert vendor.submissions[str(dead)] == asked


def test_failures_of_one_run_count_once(patient: Services, key: VideoKey) -> None:
    assert [ask(patient, key, "same").state for _ in range(4)] == [PhaseState.FAILED] * 4


def test_dead_phase_affects_no_other_phase_video_or_project(
    patient: Services, dead: VideoKey, deliver: Deliver, vendor: Vendor
) -> None:
    vendor.default = "now"
    others = analyse(patient, dead, [Phase.SHOTS, Phase.TRANSCRIPT, Phase.AUDIO], run_id="4")
    assert others[Phase.TRANSCRIPT].state.good and others[Phase.AUDIO].state.good
    for other in ("acme/other", "globex/film"):
        assert ask(patient, deliver(other), "5").state.good


def test_revive_makes_a_dead_phase_run(patient: Services, dead: VideoKey, vendor: Vendor) -> None:
    assert revive(VideoRun.of(patient, dead)) == SHOTS
    vendor.default = "now"
    assert ask(patient, dead, "4").state.good
    with pytest.raises(InputError, match="no phase"):
        revive(VideoRun.of(patient, dead))


def test_force_runs_a_dead_phase_and_result_resets_it(
    patient: Services, dead: VideoKey, vendor: Vendor
) -> None:
    vendor.default = "now"
    assert ask(patient, dead, "4", forced_by="4").state.good
    assert ask(patient, dead, "5").reused


def test_failures_reset_with_another_choice_or_source(
    patient: Services, dead: VideoKey, vendor: Vendor, deliver: Deliver, tmp_path: Path
) -> None:
    choice = Choices(phases={Phase.SHOTS: PhaseChoice(providers=("without-token",))})
    assert ask(replace(patient, choices=choice), dead, "4").state is PhaseState.FAILED
    deliver(str(dead), encode(tmp_path / "other.mp4", seconds=3))
    assert ask(patient, dead, "5").state is PhaseState.FAILED


def test_rejected_request_never_makes_a_phase_dead(
    patient: Services, key: VideoKey, vendor: Vendor
) -> None:
    vendor.default = "refuse"
    assert {ask(patient, key, run).state for run in "12345"} == {PhaseState.FAILED}


def test_request_in_doubt_never_makes_a_phase_dead(
    patient: Services, key: VideoKey, vendor: Vendor
) -> None:
    vendor.default = "drop"
    order = Choices(phases={Phase.SHOTS: PhaseChoice(providers=("without-token",))})
    states = {ask(replace(patient, choices=order), key, run).state for run in "12345"}
    assert states == {PhaseState.FAILED} and vendor.submissions[str(key)] == 1


def test_unanswered_request_with_token_counts(
    patient: Services, key: VideoKey, vendor: Vendor
) -> None:
    vendor.default = "drop"
    assert [ask(patient, key, run).state for run in "123"][-1] is PhaseState.DEAD


def test_failure_counts_if_any_provider_is_retryable(
    patient: Services, key: VideoKey, vendor: Vendor
) -> None:
    order = PhaseChoice(providers=("with-token", "without-token"))
    both = replace(patient, choices=Choices(phases={Phase.SHOTS: order}))
    vendor.behave("acme/film", *["busy", "refuse"] * 3)
    assert [ask(both, key, run).state for run in "123"] == [
        *(PhaseState.FAILED, PhaseState.FAILED, PhaseState.DEAD)
    ]
