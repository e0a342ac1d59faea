"""Tests of the retries within one run: how often, and after which pauses."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.policies import WorkPolicy
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def timed(services: Services, waits: list[float]) -> Services:
    """Return services with four tries, pauses of 1, 2 and at most 3 seconds, and half as jitter."""
    policy = WorkPolicy(attempts=4, backoff_seconds=1, backoff_ceiling_seconds=3, lease_seconds=5)
    return replace(services, policy=policy, sleep=waits.append, random=lambda: 0.0)


@pytest.fixture
def key(deliver: Deliver) -> VideoKey:
    return deliver("acme/film")


def shots(services: Services, key: VideoKey) -> Outcome:
    return analyse(services, key, [Phase.SHOTS])[Phase.SHOTS]


def test_backoff_doubles_up_to_ceiling_with_jitter(
    timed: Services, key: VideoKey, vendor: Vendor, waits: list[float]
) -> None:
    vendor.default = "busy"
    assert shots(timed, key).state is PhaseState.FAILED
    assert waits == [0.5, 1.0, 1.5]
    assert vendor.submissions["acme/film"] == 4
    waits.clear()
    shots(replace(timed, random=lambda: 0.999), key)
    assert [round(wait) for wait in waits] == [1, 2, 3]


def test_retry_after_replaces_backoff_with_jitter(
    timed: Services, key: VideoKey, vendor: Vendor, waits: list[float]
) -> None:
    vendor.behave("acme/film", "busy", "now")
    vendor.retry_after = 2
    assert shots(replace(timed, random=lambda: 0.5), key).state is PhaseState.DONE
    assert waits == [pytest.approx(2.1)]


def test_run_fails_if_retry_after_exceeds_ceiling(
    timed: Services, key: VideoKey, vendor: Vendor, waits: list[float]
) -> None:
    vendor.behave("acme/film", "busy", "now")
    vendor.retry_after = 60
    assert shots(timed, key).state is PhaseState.FAILED
    assert waits == [] and vendor.submissions["acme/film"] == 1
    assert shots(timed, key).state is PhaseState.DONE, "a later run tries again"


def test_permanent_refusal_is_not_retried(
    timed: Services, key: VideoKey, vendor: Vendor, waits: list[float]
) -> None:
    vendor.default = "refuse"
    assert shots(timed, key).state is PhaseState.FAILED
    assert waits == [] and vendor.submissions["acme/film"] == 1


def test_next_provider_is_used_after_last_try(
    timed: Services,
    key: VideoKey,
    vendor: Vendor,
    choosing: Callable[..., Services],
    waits: list[float],
) -> None:
    vendor.behave("acme/film", "busy", "busy", "busy", "busy", "now")
    both = replace(timed, choices=choosing(Phase.SHOTS, "with-token", "without-token").choices)
    outcome = shots(both, key)
    assert (outcome.state, outcome.provider) == (PhaseState.DONE, "without-token")
    assert len(waits) == 3
