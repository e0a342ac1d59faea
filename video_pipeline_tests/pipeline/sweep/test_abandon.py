"""A unit that run after run has not consumed is given up, and nothing that was paid is lost."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.abandon import give_up
from video_pipeline.pipeline.sweep.round import sweep
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]


@pytest.fixture
def ended(services: Services, deliver: Deliver, vendor: Vendor) -> WorkUnit:
    """Its job has ended; another tenant's of the same name runs on."""
    for key in ("acme/one", "globex/one"):
        analyse(services, deliver(key), {Phase.SHOTS})
    vendor.finish("acme/one")
    (unit,) = sweep(services, services.clock() + timedelta(seconds=5))
    return unit


def phase_of(services: Services, project: str = "acme") -> tuple[PhaseState, str]:
    status = services.of(project).results.statuses("one")[Phase.SHOTS]
    return status.state, status.message


def test_its_pages_are_kept_its_phase_says_what_to_do_and_it_is_ready_no_more(
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


def test_one_whose_job_is_lost_is_to_be_retried(
    services: Services, ended: WorkUnit, vendor: Vendor
) -> None:
    vendor.forget("acme/one")
    assert give_up(services, ended, 5)
    found = services.of("acme").units.get(ended.id)
    assert found and found.state is UnitState.FAILED
    assert f"video-pipeline jobs retry {ended.id}" in phase_of(services)[1]


def test_while_its_provider_does_not_answer_it_is_tried_again_later(
    services: Services, ended: WorkUnit, vendor: Vendor
) -> None:
    vendor.__exit__(None, None, None)
    assert not give_up(services, ended, 5)
    found = services.of("acme").units.get(ended.id)
    assert found and (found.state, found.ready) == (UnitState.RUNNING, False)
    assert phase_of(services)[0] is PhaseState.PARKED
