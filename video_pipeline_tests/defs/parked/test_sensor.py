"""The sensor of completions: whose job ended goes on, by a held run or by a requested one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.cli.local.try_file import PROJECT
from video_pipeline.dagster_api.tags import (
    HELD_TAG,
    RELEASED,
    UNITS_TAG,
    WAITING,
)
from video_pipeline.defs.parked.run_requests import TRIES, UNIT_TAG
from video_pipeline.defs.partitions import PROJECTS_NAME, TRY_PROJECT, VIDEOS_NAME
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.plugins.base import Plugin
from video_pipeline_tests.defs.opened import Opened
from video_pipeline_tests.defs.parked.completing import ended, queued, state_of, tick, told

JobOf = Callable[..., WorkUnit]

KEY = VideoKey.parse("acme/talk")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def held(
    definitions: dg.Definitions, instance: dg.DagsterInstance, running: WorkUnit
) -> dg.DagsterRun:
    """A run that waits for the job."""
    return queued(definitions, instance, {HELD_TAG: WAITING, UNITS_TAG: running.id})


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
    assert stage.services.of("acme").units.ready() == [], "it takes no place among the ready ones"


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


class TestAUnitThatWaitsForItsTurn:
    """Its run is held as for a job, until it shall ask by itself."""

    @pytest.fixture
    def vendor(self, stage: Opened) -> None:
        """Its entry is there, and a variable of it is not set here: nobody asks it."""
        stage.services = replace(stage.services, unavailable=["vendor"])

    @pytest.fixture
    def waiting(self, vendor: None, waiting_of: JobOf) -> WorkUnit:
        return waiting_of()

    def held_for(
        self, definitions: dg.Definitions, instance: dg.DagsterInstance, unit: str
    ) -> dg.DagsterRun:
        return queued(definitions, instance, {HELD_TAG: WAITING, UNITS_TAG: unit})

    @pytest.mark.parametrize("named", [True, False])
    def test_nothing_moves_and_the_tick_tells_how_many_wait(
        self,
        stage: Opened,
        instance: dg.DagsterInstance,
        definitions: dg.Definitions,
        waiting: WorkUnit,
        named: bool,
    ) -> None:
        held = self.held_for(definitions, instance, waiting.id if named else "")
        assert "1 wait for their turn" in told(stage, instance)
        assert state_of(instance, held) == WAITING

    def test_let_go_the_held_run_goes_and_no_other_is_requested(
        self,
        stage: Opened,
        instance: dg.DagsterInstance,
        definitions: dg.Definitions,
        waiting: WorkUnit,
        catalog: Catalog,
    ) -> None:
        held = self.held_for(definitions, instance, waiting.id)
        catalog.project("acme").units.let_go(waiting.id, NOW)
        assert tick(stage, instance) == []
        assert state_of(instance, held) == RELEASED

    def test_let_go_with_none_held_a_run_is_requested_until_one_has_taken_it_up(
        self, stage: Opened, instance: dg.DagsterInstance, waiting: WorkUnit, catalog: Catalog
    ) -> None:
        units = catalog.project("acme").units
        units.let_go(waiting.id, NOW)
        for _ in range(2):
            (request,) = tick(stage, instance)
            assert request.tags[UNIT_TAG] == waiting.id
        found = units.get(waiting.id)
        assert found is not None
        units.move(found, UnitState.SUBMITTING, NOW)
        assert tick(stage, instance) == []

    def test_where_nobody_can_ask_any_more_the_run_goes_and_tells(
        self,
        stage: Opened,
        instance: dg.DagsterInstance,
        definitions: dg.Definitions,
        waiting: WorkUnit,
    ) -> None:
        stage.services = replace(stage.services, unavailable=[])
        held = self.held_for(definitions, instance, waiting.id)
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

    def test_a_phase_that_was_cancelled_by_another_of_its_units_is_not_asked_for_again(
        self, stage: Opened, instance: dg.DagsterInstance, job_of: JobOf, catalog: Catalog
    ) -> None:
        both = job_of(phases=(Phase.SHOTS, Phase.EVENTS))
        events = catalog.project("acme").events
        events.record(KEY.video, Phase.EVENTS, PhaseState.CANCELLED, NOW)
        ended(catalog, both)
        (request,) = tick(stage, instance)
        asked = {key.to_user_string() for key in request.asset_selection or ()}
        assert "shots" in asked and "events" not in asked

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

    def test_a_run_held_for_two_that_serve_one_phase_goes_with_the_last(
        self,
        stage: Opened,
        instance: dg.DagsterInstance,
        other: WorkUnit,
        job_of: JobOf,
        definitions: dg.Definitions,
        catalog: Catalog,
    ) -> None:
        sibling = job_of(phases=(Phase.SHOTS,), operation="text")
        tags = {HELD_TAG: WAITING, UNITS_TAG: f"{other.id},{sibling.id}"}
        held = queued(definitions, instance, tags)
        ended(catalog, other)
        assert tick(stage, instance) == [], "the held run will consume it"
        assert state_of(instance, held) == WAITING
        ended(catalog, sibling)
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


class TestMuchAtOnce:
    """A tick does so much, and the next ones the rest, in turn of the projects."""

    @pytest.fixture(autouse=True)
    def few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("video_pipeline.defs.parked.sensor.A_TICK", 2)

    def test_runs_are_requested_of_each_project_in_turn(
        self, stage: Opened, instance: dg.DagsterInstance, catalog: Catalog, job_of: JobOf
    ) -> None:
        for key in ("acme/a", "acme/b", "acme/c", "globex/a"):
            ended(catalog, job_of(VideoKey.parse(key)))
        asked = [request.partition_key for request in tick(stage, instance)]
        assert len(asked) == 2
        assert {key.partition("/")[0] for key in asked if key} == {"acme", "globex"}

    def test_held_runs_are_let_go_in_portions_and_none_is_requested_beside_them(
        self,
        stage: Opened,
        instance: dg.DagsterInstance,
        ready: WorkUnit,
        definitions: dg.Definitions,
    ) -> None:
        tags = {HELD_TAG: WAITING, UNITS_TAG: ready.id}
        held = [queued(definitions, instance, tags) for _ in range(3)]
        assert tick(stage, instance) == []
        assert [state_of(instance, run) for run in held].count(RELEASED) == 2
        tick(stage, instance)
        assert [state_of(instance, run) for run in held].count(RELEASED) == 3
