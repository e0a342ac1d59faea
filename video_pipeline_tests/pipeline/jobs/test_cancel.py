"""Tests of cancelling parked units: their jobs are stopped, or marked as orphaned."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.cancel import cancel
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.job_plugin import VendorShots
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
BECAUSE = "backfill b1 was cancelled"


@pytest.fixture
def parked(services: Services, deliver: Deliver, vendor: Vendor) -> WorkUnit:
    """Shots run at the vendor, and the timeline waits for them."""
    vendor.behave("acme/film", "later")
    key = deliver("acme/film")
    analyse(services, key, [Phase.TRANSCRIPT])
    vendor.finish("acme/film")
    run_video(services, key, "r1")
    (unit,) = services.of("acme").units.in_state(UnitState.RUNNING)
    return unit


def states(services: Services) -> dict[Phase, PhaseState]:
    return {p: s.state for p, s in services.of("acme").results.statuses("film").items()}


def now_of(services: Services, unit: WorkUnit) -> WorkUnit:
    found = services.of("acme").units.get(unit.id)
    assert found is not None
    return found


def test_cancel_stops_job_where_provider_can(
    services: Services, parked: WorkUnit, vendor: Vendor
) -> None:
    vendor.stops_jobs = True
    (one,) = cancel(services, parked.request.key, [parked.id], BECAUSE)
    assert one.unit.state is UnitState.CANCELLED
    assert "stopped it" in one.outcome and BECAUSE in one.outcome
    assert vendor.jobs[parked.job or ""].state == "failed"
    assert states(services)[Phase.SHOTS] is PhaseState.CANCELLED
    assert states(services)[Phase.TIMELINE] is PhaseState.CANCELLED


def test_cancel_orphans_job_that_cannot_be_stopped(
    services: Services, parked: WorkUnit, vendor: Vendor
) -> None:
    (one,) = cancel(services, parked.request.key, [parked.id], BECAUSE)
    assert (one.unit.state, one.unit.unwanted) == (UnitState.RUNNING, True)
    assert "not stopped" in one.outcome
    later = services.clock() + timedelta(hours=1)
    assert sweep(services, later) == []
    vendor.finish("acme/film")
    assert sweep(services, later + timedelta(hours=1)) == [], "no run is to be requested"
    counted = now_of(services, parked)
    assert counted.state is UnitState.SETTLED and counted.settled == parked.planned


def test_result_of_orphaned_job_is_reused_without_payment(
    services: Services, parked: WorkUnit, vendor: Vendor
) -> None:
    billed = vendor.billed["acme/film"]
    cancel(services, parked.request.key, [parked.id], BECAUSE)
    vendor.finish("acme/film")
    sweep(services, services.clock() + timedelta(hours=1))
    outcome = analyse(services, parked.request.key, [Phase.SHOTS])[Phase.SHOTS]
    assert outcome.state is PhaseState.DONE
    assert vendor.billed["acme/film"] == billed


def test_orphaned_job_is_adopted_by_new_run(services: Services, parked: WorkUnit) -> None:
    cancel(services, parked.request.key, [parked.id], BECAUSE)
    outcome = analyse(services, parked.request.key, [Phase.SHOTS])[Phase.SHOTS]
    assert (outcome.state, outcome.unit) == (PhaseState.PARKED, parked.id)
    assert not now_of(services, parked).unwanted


def test_cancel_is_repeatable(services: Services, parked: WorkUnit, vendor: Vendor) -> None:
    vendor.stops_jobs = True
    assert len(cancel(services, parked.request.key, [parked.id], BECAUSE)) == 1
    assert cancel(services, parked.request.key, [parked.id], BECAUSE) == []


def test_sweep_repeats_cancel_after_unreachable_provider(
    services: Services, parked: WorkUnit, vendor: Vendor
) -> None:
    vendor.stops_jobs = True
    plugin = services.plugins[parked.request.provider]
    options = plugin.options.model_copy(update={"url": "http://127.0.0.1:9"})
    gone = replace(
        services, plugins={**services.plugins, parked.request.provider: VendorShots(options)}
    )
    (one,) = cancel(gone, parked.request.key, [parked.id], BECAUSE)
    assert (one.unit.state, one.unit.unwanted) == (UnitState.RUNNING, True)
    later = services.clock() + timedelta(hours=1)
    assert sweep(gone, later) == []
    assert sweep(services, later + timedelta(hours=1)) == []
    assert now_of(services, parked).state is UnitState.CANCELLED
    assert vendor.jobs[parked.job or ""].state == "failed"


def test_orphaned_unit_is_postponed_if_fetch_fails(
    services: Services, parked: WorkUnit, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel(services, parked.request.key, [parked.id], BECAUSE)
    vendor.finish("acme/film")
    later = services.clock() + timedelta(hours=1)
    with monkeypatch.context() as broken:
        broken.setattr(VendorShots, "fetch", lambda *_: 1 / 0)
        sweep(services, later)
        assert services.of("acme").units.ready() == []
    sweep(services, later + timedelta(hours=1))
    assert now_of(services, parked).state is UnitState.SETTLED


def test_cancel_keeps_job_if_providers_secret_is_missing(
    services: Services, parked: WorkUnit, vendor: Vendor
) -> None:
    vendor.stops_jobs = True
    plugins = {k: v for k, v in services.plugins.items() if k != parked.request.provider}
    here = replace(services, plugins=plugins, unavailable=[parked.request.provider])
    (one,) = cancel(here, parked.request.key, [parked.id], BECAUSE)
    assert (one.unit.state, one.unit.unwanted) == (UnitState.RUNNING, True)
    assert sweep(here, services.clock() + timedelta(hours=1)) == []
    assert now_of(services, parked).state is UnitState.RUNNING
    billed = vendor.billed["acme/film"]
    outcome = analyse(services, parked.request.key, [Phase.SHOTS])[Phase.SHOTS]
    assert (outcome.state, outcome.unit) == (PhaseState.PARKED, parked.id)
    assert vendor.billed["acme/film"] == billed


def test_cancel_ends_unit_of_removed_provider_entry(services: Services, parked: WorkUnit) -> None:
    (one,) = cancel(replace(services, plugins={}), parked.request.key, [parked.id], BECAUSE)
    assert one.unit.state is UnitState.CANCELLED and "no longer in pipeline.yaml" in one.outcome


def test_cancel_ignores_units_of_other_projects(services: Services, parked: WorkUnit) -> None:
    assert cancel(services, VideoKey.parse("globex/film"), [parked.id], BECAUSE) == []
    assert not now_of(services, parked).unwanted
