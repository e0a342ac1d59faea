"""Tests of submitting to an unreachable provider: units wait, and no run fails."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from video_pipeline.catalog.admissions import Admissions
from video_pipeline.domain.errors import FailureCategory, ProviderError, StorageUnavailable
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.pipeline.policies import Limits
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep import backlog
from video_pipeline.pipeline.sweep.round import make_round
from video_pipeline.plugins.base import Submission
from video_pipeline.plugins.inputs import Inputs
from video_pipeline_tests.doubles.backlog import put_into_backlog
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorShots
from video_pipeline_tests.doubles.vendor import Vendor

ENDLESS = Limits(paid_minutes_per_day=float("inf"), providers={"with-token": float("inf")})


class Failing(VendorShots):
    """The vendor's shots, at a provider that cannot be reached."""

    poll_seconds = 60.0
    category = FailureCategory.TRANSIENT

    def submit(self, unit: WorkUnit, media: MediaInfo, inputs: Inputs) -> Submission:
        raise ProviderError(
            "no connection to the vendor", category=self.category, remedy="Look.", accepted=False
        )


class Unauthorized(Failing):
    """The vendor's shots, at a provider that refuses the credentials."""

    category = FailureCategory.AUTH


@pytest.fixture
def media(services: Services, deliver: Callable[..., VideoKey]) -> MediaInfo:
    record = services.of("initech").videos.get(deliver("initech/probed").video)
    assert record is not None and record.media is not None
    return record.media


def asked_by(services: Services, vendor: Vendor, plugin: type[VendorShots]) -> Services:
    made = plugin(VendorOptions(url=vendor.url, timeout_seconds=3, slots=2))
    return replace(services, plugins={"with-token": made}, limits=ENDLESS)


def _at(moment: datetime) -> datetime:
    return moment


def now_of(services: Services, unit: WorkUnit) -> WorkUnit:
    found = services.of(unit.request.key.project).units.get(unit.id)
    assert found is not None
    return found


def test_unit_waits_while_provider_is_unreachable(
    services: Services, media: MediaInfo, vendor: Vendor
) -> None:
    slow = replace(services, policy=services.policy.model_copy(update={"backoff_seconds": 2}))
    away, back = asked_by(slow, vendor, Failing), asked_by(slow, vendor, VendorShots)
    units = put_into_backlog(away, "acme", 3, media, provider="with-token")
    round_ = make_round(away, away.clock())
    assert (round_.ready, round_.submitted, round_.waiting) == ((), 0, 3), "no run is woken"
    tried, *others = [now_of(away, unit) for unit in units]
    assert "answers again: no connection to the vendor" in reason_of(tried)
    assert (tried.state, tried.attempts) == (UnitState.QUEUED, 1)
    assert [unit.attempts for unit in others] == [0, 0], "an unreachable provider is tried once"
    assert make_round(away, away.clock()).waiting == 3
    assert now_of(away, units[0]).attempts == 1, "and its pool is paused"
    assert away.catalog.admissions.used(away.clock().date(), project="acme") == 0
    while away.catalog.admissions.pools()[0].paused:
        away.sleep(0.1)
    assert make_round(back, back.clock()).submitted == 2
    assert [now_of(back, unit).state for unit in units[:2]] == [UnitState.RUNNING] * 2


def test_unreachable_provider_is_probed_at_growing_intervals(
    services: Services, media: MediaInfo, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = services.policy.model_copy(update={"backoff_seconds": 2})
    slow = replace(services, policy=policy, random=lambda: 0.5)
    away, pauses = asked_by(slow, vendor, Failing), list[float]()
    units = put_into_backlog(away, "acme", 3, media, provider="with-token")
    pause = Admissions.pause

    def at_once(of: Admissions, pool: str, seconds: float) -> None:
        pauses.append(seconds)
        pause(of, pool, 0)

    monkeypatch.setattr(Admissions, "pause", at_once)
    for hours in range(8):
        then = services.clock() + timedelta(hours=hours)
        make_round(replace(away, clock=partial(_at, then)), then)
    assert pauses == [1.5, 3, 6, 12, 24, 45, 45, 45]
    assert all(now_of(away, unit).state is UnitState.QUEUED for unit in units), "no unit has failed"


def test_silent_output_store_leaves_unit_queued(
    services: Services, media: MediaInfo, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = asked_by(services, vendor, VendorShots)
    (unit,) = put_into_backlog(there, "acme", 1, media, provider="with-token")

    def silent(*_: object) -> None:
        raise StorageUnavailable("the store does not answer", remedy="Wait.")

    with monkeypatch.context() as patch:
        patch.setattr(RawPages, "record_request", silent)
        assert make_round(there, there.clock()).ready == ()
    assert now_of(there, unit).state is UnitState.QUEUED
    assert make_round(there, there.clock()).submitted == 1


def test_refused_credentials_wake_run(services: Services, media: MediaInfo, vendor: Vendor) -> None:
    refused = asked_by(services, vendor, Unauthorized)
    (unit,) = put_into_backlog(refused, "acme", 1, media, provider="with-token")
    assert [ready.id for ready in make_round(refused, refused.clock()).ready] == [unit.id]


class Hanging(Failing):
    """The vendor's shots, with a request that ends only when the test does."""

    goes_on = threading.Event()

    def submit(self, unit: WorkUnit, media: MediaInfo, inputs: Inputs) -> Submission:
        self.goes_on.wait(60)
        return super().submit(unit, media, inputs)


def test_endless_request_does_not_hold_the_sweep(
    services: Services, media: MediaInfo, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAX_SECONDS", "_LAST_REQUEST_SECONDS"):
        monkeypatch.setattr(backlog, name, 0.2)
    hanging = asked_by(services, vendor, Hanging)
    (unit,) = put_into_backlog(hanging, "acme", 1, media, provider="with-token")
    try:
        assert make_round(hanging, hanging.clock()).submitted == 0
        assert now_of(hanging, unit).state is UnitState.UNANSWERED, "it is still being made"
        assert make_round(hanging, hanging.clock()).submitted == 0, "and no second one is begun"
        assert now_of(hanging, unit).attempts == 1
    finally:
        Hanging.goes_on.set()
        for thread in threading.enumerate():
            if thread.name.startswith("requests of"):
                thread.join(10)
