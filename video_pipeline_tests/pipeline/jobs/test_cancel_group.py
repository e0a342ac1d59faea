"""Tests of cancelling one of several units of a phase: which others are cancelled with it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.cancel import cancel, with_dependents
from video_pipeline.pipeline.policies import Choices, Limits, PhaseChoice
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import make_round
from video_pipeline_tests.doubles.job_plugin import SightOptions, VendorSights
from video_pipeline_tests.doubles.vendor import Vendor

OPERATIONS = ("segments", "text", "moderation")
BECAUSE = "cancelled by hand"


@pytest.fixture
def key(deliver: Callable[..., VideoKey]) -> VideoKey:
    return deliver("acme/one")


@pytest.fixture
def narrow(services: Services, vendor: Vendor) -> Services:
    """Return services with two slots, for a video that needs three requests."""
    sights = VendorSights(SightOptions(url=vendor.url, timeout_seconds=3, slots=2))
    choice = PhaseChoice(providers=("sights",))
    for operation in OPERATIONS:
        vendor.behave(f"acme/one {operation}", "later")
    return replace(
        services,
        plugins={"sights": sights},
        choices=Choices(phases={Phase.SHOTS: choice, Phase.EVENTS: choice}),
        limits=Limits(paid_minutes_per_day=float("inf"), providers={"sights": float("inf")}),
    )


def units(services: Services) -> dict[str, WorkUnit]:
    """Return the latest unit of each operation."""
    found = services.of("acme").units.of_video("one")
    return {unit.request.operation: unit for unit in found}


def states(services: Services) -> dict[Phase, PhaseState]:
    found = services.of("acme").results.statuses("one")
    return {phase: found[phase].state for phase in (Phase.SHOTS, Phase.EVENTS) if phase in found}


def all_end(vendor: Vendor) -> None:
    for operation in OPERATIONS:
        vendor.finish(f"acme/one {operation}")


def test_cancelled_waiting_unit_cancels_rest_of_its_phase(
    narrow: Services, key: VideoKey, vendor: Vendor
) -> None:
    analyse(narrow, key, [Phase.EVENTS])
    waits = units(narrow)["moderation"]
    assert waits.state is UnitState.QUEUED
    cancelled = cancel(narrow, key, [waits.id], BECAUSE)
    assert {one.unit.request.operation for one in cancelled} == {*OPERATIONS}
    assert states(narrow)[Phase.EVENTS] is PhaseState.CANCELLED
    all_end(vendor)
    for hours in (1, 2):
        round_ = make_round(narrow, narrow.clock() + timedelta(hours=hours))
        assert (round_.ready, round_.submitted) == ((), 0), "no run is requested"
    assert vendor.submissions == {"acme/one segments": 1, "acme/one text": 1}


def test_paid_units_of_cancelled_phase_are_reused(
    narrow: Services, key: VideoKey, vendor: Vendor
) -> None:
    analyse(narrow, key, [Phase.EVENTS])
    cancel(narrow, key, [units(narrow)["moderation"].id], BECAUSE)
    all_end(vendor)
    make_round(narrow, narrow.clock() + timedelta(hours=1))
    vendor.behave("acme/one moderation", "now")
    assert analyse(narrow, key, [Phase.EVENTS])[Phase.EVENTS].state is PhaseState.DONE
    assert vendor.billed == {f"acme/one {operation}": 1 for operation in OPERATIONS}


def test_unit_needed_by_another_phase_continues(
    narrow: Services, key: VideoKey, vendor: Vendor
) -> None:
    analyse(narrow, key, [Phase.SHOTS, Phase.EVENTS])
    cancelled = cancel(narrow, key, [units(narrow)["moderation"].id], BECAUSE)
    assert [one.unit.request.operation for one in cancelled] == ["text", "moderation"]
    assert states(narrow) == {
        Phase.SHOTS: PhaseState.PARKED,
        Phase.EVENTS: PhaseState.CANCELLED,
    }
    all_end(vendor)
    (ready,) = make_round(narrow, narrow.clock() + timedelta(hours=1)).ready
    assert ready.request.operation == "segments"
    assert analyse(narrow, key, [Phase.SHOTS])[Phase.SHOTS].state is PhaseState.DONE
    assert vendor.submissions["acme/one moderation"] == 0


def test_cancelled_unit_of_all_phases_cancels_all(narrow: Services, key: VideoKey) -> None:
    analyse(narrow, key, [Phase.SHOTS, Phase.EVENTS])
    assert len(cancel(narrow, key, [units(narrow)["segments"].id], BECAUSE)) == 3
    assert set(states(narrow).values()) == {PhaseState.CANCELLED}


def test_cancel_completes_after_crash_of_earlier_cancel(narrow: Services, key: VideoKey) -> None:
    analyse(narrow, key, [Phase.EVENTS])
    waits = units(narrow)["moderation"]
    narrow.of("acme").units.finish(waits, UnitState.CANCELLED, narrow.clock(), used=())
    assert len(cancel(narrow, key, [waits.id], BECAUSE)) == 2
    assert states(narrow)[Phase.EVENTS] is PhaseState.CANCELLED


def test_unit_replaced_by_new_options_is_cancelled_alone(
    narrow: Services, key: VideoKey, vendor: Vendor
) -> None:
    analyse(narrow, key, [Phase.EVENTS])
    old = units(narrow)["text"]
    other = VendorSights(SightOptions(url=vendor.url, timeout_seconds=4, slots=9))
    changed = replace(narrow, plugins={"sights": other})
    analyse(changed, key, [Phase.EVENTS])
    assert units(changed)["text"].id != old.id
    assert [one.unit.id for one in cancel(changed, key, [old.id], BECAUSE)] == [old.id]
    assert states(changed)[Phase.EVENTS] is PhaseState.PARKED


def test_group_has_no_units_of_other_projects_or_videos(
    narrow: Services, key: VideoKey, deliver: Callable[..., VideoKey]
) -> None:
    others = [deliver("globex/one"), deliver("acme/two")]
    for one in (key, *others):
        analyse(narrow, one, [Phase.EVENTS])
    lost = with_dependents(narrow.catalog, [units(narrow)["text"]])
    assert {unit.request.key for unit in lost} == {key} and len(lost) == 3
