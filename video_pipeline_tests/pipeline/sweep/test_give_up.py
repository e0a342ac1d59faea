"""Tests of closing a ready unit that several runs did not consume."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import give_up
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]


@pytest.fixture
def ended(services: Services, deliver: Deliver, vendor: Vendor) -> WorkUnit:
    """Return a unit with an ended job. The same video of another tenant still has a running one."""
    for key in ("acme/one", "globex/one"):
        analyse(services, deliver(key), {Phase.SHOTS})
    vendor.finish("acme/one")
    (unit,) = sweep(services, services.clock() + timedelta(seconds=5))
    return unit


def phase_of(services: Services, project: str = "acme") -> tuple[PhaseState, str]:
    status = services.of(project).results.statuses("one")[Phase.SHOTS]
    return status.state, status.message


def test_give_up_keeps_pages_and_reports_remedy(
    services: Services, ended: WorkUnit, vendor: Vendor
) -> None:
    assert give_up(services, ended, 5)
    state, message = phase_of(services)
    assert state is PhaseState.FAILED
    assert f"video-pipeline jobs fetch {ended.id}" in message and "5 runs" in message
    assert services.of("acme").units.ready() == []
    assert phase_of(services, "globex")[0] is PhaseState.PARKED
    assert analyse(services, ended.request.key, {Phase.SHOTS})[Phase.SHOTS].state is PhaseState.DONE
    assert vendor.billed["acme/one"] == 1


def test_give_up_suggests_retry_of_lost_job(
    services: Services, ended: WorkUnit, vendor: Vendor
) -> None:
    vendor.forget("acme/one")
    assert give_up(services, ended, 5)
    found = services.of("acme").units.get(ended.id)
    assert found and found.state is UnitState.FAILED
    assert f"video-pipeline jobs retry {ended.id}" in phase_of(services)[1]


def test_give_up_is_postponed_if_provider_is_unreachable(
    services: Services, ended: WorkUnit, vendor: Vendor
) -> None:
    vendor.__exit__(None, None, None)
    assert not give_up(services, ended, 5)
    found = services.of("acme").units.get(ended.id)
    assert found and found.state is UnitState.RUNNING
    assert phase_of(services)[0] is PhaseState.PARKED
