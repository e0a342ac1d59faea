"""The sensor of completions: whose job ended goes on, by a held run or by a requested one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from video_pipeline.catalog.interface import Catalog
from video_pipeline.cli.try_file import PROJECT
from video_pipeline.defs.completions import TRIES, UNIT_TAG, completions
from video_pipeline.defs.held import waiting
from video_pipeline.defs.partitions import PROJECTS_NAME, TRY_PROJECT, VIDEOS_NAME
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.choices import Choices, PhaseChoice
from video_pipeline.plugins.base import Plugin
from video_pipeline.webserver.tags import (
    BACKFILL_TAG,
    CANCELLED,
    HELD_TAG,
    RELEASED,
    TERMINATED,
    UNITS_TAG,
    WAITING,
)
from video_pipeline_tests.stage.opened import LAUNCHED_FROM, Opened

JobOf = Callable[..., WorkUnit]

KEY = VideoKey.parse("acme/talk")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def running(job_of: JobOf) -> WorkUnit:
    """A job of the video runs at a vendor."""
    return job_of()


@pytest.fixture
def ready(running: WorkUnit, catalog: Catalog) -> WorkUnit:
    """The job has ended, and somebody said so."""
    return ended(catalog, running)


def ended(catalog: Catalog, unit: WorkUnit) -> WorkUnit:
    catalog.project(unit.request.key.project).units.mark_ready(unit.id, NOW)
    return unit


def tick(stage: Opened, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    context = dg.build_sensor_context(instance=instance, resources={"pipeline": stage})
    result = completions(context)
    return list(result.run_requests or ()) if isinstance(result, dg.SensorResult) else []


def queued(
    definitions: dg.Definitions, instance: dg.DagsterInstance, tags: dict[str, str]
) -> dg.DagsterRun:
    run = instance.create_run_for_job(
        definitions.resolve_job_def("road"),
        tags={"dagster/partition": str(KEY), **tags},
        remote_job_origin=LAUNCHED_FROM,
    )
    instance.report_dagster_event(dg.DagsterEvent.job_enqueue(run), run_id=run.run_id)
    return run


@pytest.fixture
def held(
    definitions: dg.Definitions, instance: dg.DagsterInstance, running: WorkUnit
) -> dg.DagsterRun:
    """A run that waits for the job."""
    return queued(definitions, instance, {HELD_TAG: WAITING, UNITS_TAG: running.id})


def state_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.tags[HELD_TAG]


def test_while_the_job_runs_nothing_moves(
    stage: Opened, instance: dg.DagsterInstance, running: WorkUnit, held: dg.DagsterRun
) -> None:
    assert tick(stage, instance) == []
    assert state_of(instance, held) == WAITING


def test_once_it_ended_the_held_run_goes_and_no_other_is_requested(
    stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit, held: dg.DagsterRun
) -> None:
    assert tick(stage, instance) == []
    assert state_of(instance, held) == RELEASED
    assert tick(stage, instance) == [], "the released run is on its way"


def test_with_none_held_a_run_is_requested_for_what_goes_on(
    stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit
) -> None:
    (request,) = tick(stage, instance)
    assert request.run_key == f"{ready.id}:0"
    assert request.partition_key == str(KEY)
    assert {key.to_user_string() for key in request.asset_selection or ()} == {
        *("transcript", "scenes", "timeline", "exports")
    }
    assert request.tags["video_pipeline/project"] == "acme"


def test_not_while_an_unfinished_run_of_the_video_may_consume_it(
    stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit, definitions: dg.Definitions
) -> None:
    queued(definitions, instance, {})
    assert tick(stage, instance) == []


def test_requested_again_where_the_run_ended_without_consuming_it_but_not_for_ever(
    stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit, definitions: dg.Definitions
) -> None:
    for number in range(TRIES):
        (request,) = tick(stage, instance)
        assert request.run_key == f"{ready.id}:{number}"
        run = queued(definitions, instance, {UNIT_TAG: ready.id})
        instance.report_run_failed(run)
    assert tick(stage, instance) == []


def test_a_run_held_for_nothing_is_let_go(
    stage: Opened,
    instance: dg.DagsterInstance,
    running: WorkUnit,
    held: dg.DagsterRun,
    catalog: Catalog,
) -> None:
    catalog.project("acme").units.move(running, UnitState.CANCELLED, NOW)
    tick(stage, instance)
    assert state_of(instance, held) == RELEASED


class TestTwoJobsOfOneVideo:
    """One has ended, the other runs on."""

    @pytest.fixture
    def other(self, job_of: JobOf) -> WorkUnit:
        return job_of(phases=(Phase.SHOTS,))

    def test_a_run_held_for_the_other_stays_and_one_is_requested_for_what_ended(
        self,
        stage: Opened,
        instance: dg.DagsterInstance,
        held: dg.DagsterRun,
        other: WorkUnit,
        catalog: Catalog,
    ) -> None:
        ended(catalog, other)
        (request,) = tick(stage, instance)
        assert state_of(instance, held) == WAITING
        assert request.tags[UNIT_TAG] == other.id

    def test_a_run_held_for_both_goes_with_the_first(
        self,
        stage: Opened,
        instance: dg.DagsterInstance,
        ready: WorkUnit,
        other: WorkUnit,
        definitions: dg.Definitions,
    ) -> None:
        tags = {HELD_TAG: WAITING, UNITS_TAG: f"{other.id},{ready.id}"}
        held = queued(definitions, instance, tags)
        assert tick(stage, instance) == []
        assert state_of(instance, held) == RELEASED

    def test_a_run_that_says_not_what_it_waits_for_goes_with_any(
        self,
        stage: Opened,
        instance: dg.DagsterInstance,
        running: WorkUnit,
        other: WorkUnit,
        definitions: dg.Definitions,
        catalog: Catalog,
    ) -> None:
        held = queued(definitions, instance, {HELD_TAG: WAITING})
        tick(stage, instance)
        assert state_of(instance, held) == WAITING
        ended(catalog, other)
        tick(stage, instance)
        assert state_of(instance, held) == RELEASED


class TestWhoIsAsked:
    """The requested run goes on with whoever has the job."""

    @pytest.fixture
    def ready(self, catalog: Catalog, job_of: JobOf) -> WorkUnit:
        return ended(catalog, job_of(phases=(Phase.SHOTS, Phase.SCENES)))

    def choose(self, stage: Opened, **orders: tuple[str, ...]) -> None:
        phases = {Phase(name): PhaseChoice(providers=order) for name, order in orders.items()}
        stage.services = replace(
            stage.services,
            plugins={"vendor": cast(Plugin, object())},
            choices=Choices(phases=phases),
        )

    def test_where_pipeline_yaml_asks_somebody_else_the_run_is_told(
        self, stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit
    ) -> None:
        self.choose(stage, shots=("cuts", "vendor"), scenes=("dissolves",))
        (request,) = tick(stage, instance)
        assert request.run_config == {
            "ops": {
                "analysis": {"config": {"providers": {"shots": "vendor"}}},
                "scenes": {"config": {"providers": {"scenes": "vendor"}}},
            }
        }

    def test_where_it_is_asked_first_anyway_its_fallbacks_stay(
        self, stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit
    ) -> None:
        self.choose(stage, shots=("vendor", "cuts"), scenes=("vendor",))
        (request,) = tick(stage, instance)
        assert request.run_config == {}

    def test_an_entry_that_is_gone_is_not_asked(
        self, stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit
    ) -> None:
        (request,) = tick(stage, instance)
        assert request.run_config == {}


class TestPartitionsThatDagsterDoesNotKnow:
    """They hold up nobody else."""

    def test_one_that_was_deleted_is_added_again(
        self, stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit
    ) -> None:
        instance.delete_dynamic_partition(VIDEOS_NAME, str(KEY))
        (request,) = tick(stage, instance)
        assert request.partition_key == str(KEY)
        assert instance.has_dynamic_partition(VIDEOS_NAME, str(KEY))
        assert instance.get_dynamic_partitions(PROJECTS_NAME) == ["acme"]

    def test_a_video_of_the_command_try_is_left_to_it(
        self,
        stage: Opened,
        instance: dg.DagsterInstance,
        ready: WorkUnit,
        catalog: Catalog,
        job_of: JobOf,
    ) -> None:
        ended(catalog, job_of(VideoKey(project=TRY_PROJECT, video="mine")))
        (request,) = tick(stage, instance)
        assert request.partition_key == str(KEY)
        assert not instance.has_dynamic_partition(VIDEOS_NAME, "try/mine")

    def test_that_is_its_project(self) -> None:
        assert TRY_PROJECT == PROJECT


class TestACancelledBackfill:
    """Its parked jobs are ended or marked; of what they come to nothing starts by itself."""

    @pytest.fixture
    def backfill(self, instance: dg.DagsterInstance) -> str:
        instance.add_backfill(
            PartitionBackfill(
                backfill_id="b1",
                status=BulkActionStatus.CANCELED,
                from_failure=False,
                tags={},
                backfill_timestamp=NOW.timestamp(),
            )
        )
        return "b1"

    @pytest.fixture
    def held(
        self,
        definitions: dg.Definitions,
        instance: dg.DagsterInstance,
        running: WorkUnit,
    ) -> dg.DagsterRun:
        tags = {HELD_TAG: WAITING, UNITS_TAG: running.id, BACKFILL_TAG: "b1"}
        run = queued(definitions, instance, tags)
        instance.report_run_canceled(run)
        return run

    def test_its_jobs_are_seen_to_and_its_runs_once_only(
        self,
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

    def test_a_held_run_ended_by_hand_alone_is_made_again_when_its_job_ends(
        self,
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

    def test_a_job_left_by_a_run_that_could_hold_nothing_starts_nothing_either(
        self,
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
        assert unit is not None and unit.state.ended

    def test_what_its_terminated_run_was_at_work_on_is_ended_too(
        self,
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
        unit = half.units.move(unit, UnitState.SUBMITTING, NOW)
        until = datetime(2999, 1, 1, tzinfo=UTC)
        assert half.units.claim(unit.id, "the run", NOW, until)
        run = queued(definitions, instance, {BACKFILL_TAG: backfill})
        for phase, unit_id in ((Phase.TRANSCRIPT, unit.id), (Phase.THUMBNAILS, None)):
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

    def test_a_job_that_another_run_waits_for_goes_on_and_is_paid_once(
        self,
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

    def test_its_runs_that_still_wait_are_not_let_go(
        self,
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
