"""A cancelled backfill: its jobs are cancelled or marked, and their results start no run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.dagster_api.tags import (
    BACKFILL_TAG,
    CANCELLED,
    HELD_TAG,
    TERMINATED,
    UNITS_TAG,
    WAITING,
)
from video_pipeline.defs.parked.held_runs import waiting
from video_pipeline.defs.parked.run_requests import UNIT_TAG
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline_tests.defs.opened import Opened, add_backfill
from video_pipeline_tests.defs.parked.completing import KEY, NOW, ended, queued, state_of, tick


@pytest.fixture
def backfill(instance: dg.DagsterInstance) -> str:
    add_backfill(instance, "b1")
    return "b1"


@pytest.fixture
def held(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    running: WorkUnit,
) -> dg.DagsterRun:
    tags = {HELD_TAG: WAITING, UNITS_TAG: running.id, BACKFILL_TAG: "b1"}
    run = queued(definitions, instance, tags)
    instance.report_run_canceled(run)
    return run


def test_jobs_of_a_cancelled_backfill_end_once(
    stage: Opened,
    instance: dg.DagsterInstance,
    backfill: str,
    held: dg.DagsterRun,
    running: WorkUnit,
    catalog: Catalog,
) -> None:
    assert tick(stage, instance) == []
    unit = catalog.project("acme").units.get(running.id)
    assert unit is not None and unit.state is UnitState.CANCELLED, "nobody serves it any more"
    assert state_of(instance, held) == CANCELLED
    assert waiting(instance) == []


@pytest.mark.parametrize("terminated", [True, False])
def test_unit_not_submitted_ends_without_usage(
    stage: Opened,
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    backfill: str,
    waiting_of: Callable[..., WorkUnit],
    catalog: Catalog,
    terminated: bool,
) -> None:
    unit = waiting_of()
    stage.services = replace(stage.services, unavailable=["vendor"])
    tags = {HELD_TAG: WAITING, UNITS_TAG: unit.id, BACKFILL_TAG: backfill}
    held = queued(definitions, instance, tags)
    if terminated:
        instance.report_run_canceled(held)
    assert tick(stage, instance) == []
    now = catalog.project("acme").units.get(unit.id)
    assert now is not None and (now.state, now.settled) == (UnitState.CANCELLED, ())
    assert state_of(instance, held) == (CANCELLED if terminated else WAITING)


def test_run_cancelled_by_hand_is_requested_again(
    stage: Opened,
    instance: dg.DagsterInstance,
    held: dg.DagsterRun,
    running: WorkUnit,
    catalog: Catalog,
) -> None:
    assert tick(stage, instance) == []
    assert state_of(instance, held) == TERMINATED
    ended(catalog, running)
    (request,) = tick(stage, instance)
    assert request.tags[UNIT_TAG] == running.id


def test_unit_of_a_run_that_held_nothing_is_cancelled(
    stage: Opened,
    instance: dg.DagsterInstance,
    backfill: str,
    running: WorkUnit,
    catalog: Catalog,
    definitions: dg.Definitions,
) -> None:
    run = queued(definitions, instance, {BACKFILL_TAG: backfill})
    instance.report_run_canceled(run)
    catalog.project("acme").events.record(
        KEY.video,
        Phase.TRANSCRIPT,
        PhaseState.RUNNING,
        NOW,
        unit=running.id,
        run_id=run.run_id,
    )
    ended(catalog, running)
    assert tick(stage, instance) == []
    unit = catalog.project("acme").units.get(running.id)
    assert unit is not None and unit.state.final


def test_work_of_a_terminated_run_is_ended(
    stage: Opened,
    instance: dg.DagsterInstance,
    backfill: str,
    running: WorkUnit,
    catalog: Catalog,
    definitions: dg.Definitions,
) -> None:
    half = catalog.project("acme")
    request = running.request.model_copy(update={"model": "other"})
    unit = half.units.open(request, 0, running.planned, NOW)
    unit = half.units.begin(unit, NOW, parked=False)
    assert half.units.claim(unit.id, "the run", timedelta(days=1))
    run = queued(definitions, instance, {BACKFILL_TAG: backfill})
    for phase, unit_id in ((Phase.TRANSCRIPT, unit.id), (Phase.AUDIO, None)):
        half.events.record(
            KEY.video, phase, PhaseState.RUNNING, NOW, unit=unit_id, run_id=run.run_id
        )

    def states() -> set[PhaseState]:
        return {status.state for status in half.results.statuses(KEY.video).values()}

    tick(stage, instance)
    assert states() == {PhaseState.RUNNING}, "it is at work"
    instance.report_run_canceled(run)
    tick(stage, instance)
    assert states() == {PhaseState.RUNNING}, "its lease has not run out"
    half.units.release(unit.id, "the run")
    tick(stage, instance)
    assert states() == {PhaseState.CANCELLED}
    ended = half.units.get(unit.id)
    assert ended is not None and ended.state is UnitState.IN_DOUBT, "it may have been taken"


def test_job_of_another_held_run_goes_on(
    stage: Opened,
    instance: dg.DagsterInstance,
    backfill: str,
    held: dg.DagsterRun,
    running: WorkUnit,
    catalog: Catalog,
    definitions: dg.Definitions,
) -> None:
    of_arrival = queued(definitions, instance, {HELD_TAG: WAITING, UNITS_TAG: running.id})
    assert tick(stage, instance) == []
    unit = catalog.project("acme").units.get(running.id)
    assert unit is not None and unit.state is UnitState.RUNNING and not unit.unwanted
    assert state_of(instance, held) == CANCELLED
    assert state_of(instance, of_arrival) == WAITING


def test_held_run_of_a_cancelled_backfill_stays(
    stage: Opened,
    instance: dg.DagsterInstance,
    backfill: str,
    ready: WorkUnit,
    definitions: dg.Definitions,
) -> None:
    tags = {HELD_TAG: WAITING, UNITS_TAG: ready.id, BACKFILL_TAG: backfill}
    still = queued(definitions, instance, tags)
    tick(stage, instance)
    assert state_of(instance, still) == WAITING
