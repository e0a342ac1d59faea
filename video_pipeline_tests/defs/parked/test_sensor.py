"""The sensor of completions: ended jobs continue by a held run or a requested one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
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
from video_pipeline.defs.portions import FIRST
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


def test_held_run_stays_while_its_job_runs(
    stage: Opened, instance: dg.DagsterInstance, running: WorkUnit, held: dg.DagsterRun
) -> None:
    assert tick(stage, instance) == []
    assert state_of(instance, held) == WAITING


def test_held_run_is_released_once_its_job_ended(
    stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit, held: dg.DagsterRun
) -> None:
    assert tick(stage, instance) == []
    assert state_of(instance, held) == RELEASED
    assert tick(stage, instance) == [], "the released run is on its way"


def test_run_is_requested_if_none_is_held(
    stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit
) -> None:
    (request,) = tick(stage, instance)
    assert request.run_key == f"{ready.id}:0"
    assert request.partition_key == str(KEY)
    assert {key.to_user_string() for key in request.asset_selection or ()} == {
        *("transcript", "scenes", "timeline", "exports")
    }
    assert request.tags["video_pipeline/project"] == "acme"


def test_no_request_beside_an_unfinished_run(
    stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit, definitions: dg.Definitions
) -> None:
    queued(definitions, instance, {})
    assert tick(stage, instance) == []


def test_unit_is_given_up_after_some_requests(
    stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit, definitions: dg.Definitions
) -> None:
    for number in range(TRIES):
        (request,) = tick(stage, instance)
        assert request.run_key == f"{ready.id}:{number}"
        run = queued(definitions, instance, {UNIT_TAG: ready.id})
        instance.report_run_failed(run)
    assert tick(stage, instance) == []
    assert stage.services.of("acme").units.ready() == [], "it is ready no more"


def test_run_held_for_nothing_is_released(
    stage: Opened,
    instance: dg.DagsterInstance,
    running: WorkUnit,
    held: dg.DagsterRun,
    catalog: Catalog,
) -> None:
    catalog.project("acme").units.finish(running, UnitState.CANCELLED, NOW, used=())
    tick(stage, instance)
    assert state_of(instance, held) == RELEASED


class TestUnitNotSubmitted:
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
    def test_held_run_stays_and_the_message_counts(
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

    def test_held_run_is_released_for_it(
        self,
        stage: Opened,
        instance: dg.DagsterInstance,
        definitions: dg.Definitions,
        waiting: WorkUnit,
        catalog: Catalog,
    ) -> None:
        held = self.held_for(definitions, instance, waiting.id)
        catalog.project("acme").units.hand_over(waiting.id, NOW)
        assert tick(stage, instance) == []
        assert state_of(instance, held) == RELEASED

    def test_run_is_requested_until_one_consumes_it(
        self, stage: Opened, instance: dg.DagsterInstance, waiting: WorkUnit, catalog: Catalog
    ) -> None:
        units = catalog.project("acme").units
        units.hand_over(waiting.id, NOW)
        for _ in range(2):
            (request,) = tick(stage, instance)
            assert request.tags[UNIT_TAG] == waiting.id
        found = units.get(waiting.id)
        assert found is not None
        units.begin(found, NOW, parked=False)
        assert tick(stage, instance) == []

    def test_held_run_is_released_without_a_provider(
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


class TestTwoJobsOfAVideo:
    """One has ended, the other runs on."""

    @pytest.fixture
    def other(self, job_of: JobOf) -> WorkUnit:
        return job_of(phases=(Phase.SHOTS,))

    def test_run_held_for_the_other_stays(
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

    def test_cancelled_phase_is_not_requested(
        self, stage: Opened, instance: dg.DagsterInstance, job_of: JobOf, catalog: Catalog
    ) -> None:
        both = job_of(phases=(Phase.SHOTS, Phase.EVENTS))
        events = catalog.project("acme").events
        events.record(KEY.video, Phase.EVENTS, PhaseState.CANCELLED, NOW)
        ended(catalog, both)
        (request,) = tick(stage, instance)
        asked = {key.to_user_string() for key in request.asset_selection or ()}
        assert "shots" in asked and "events" not in asked

    def test_run_held_for_two_phases_goes_with_the_first(
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

    def test_run_held_for_one_phase_goes_with_the_last(
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

    def test_run_without_units_goes_with_any(
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


class TestProvider:
    """The requested run goes on with whoever has the job."""

    @pytest.fixture
    def ready(self, catalog: Catalog, job_of: JobOf) -> WorkUnit:
        return ended(catalog, job_of(phases=(Phase.SHOTS, Phase.SCENES)))

    def choose(self, stage: Opened, ready: WorkUnit, **orders: tuple[str, ...]) -> None:
        phases = {Phase(name): PhaseChoice(providers=order) for name, order in orders.items()}
        made_at = SimpleNamespace(account=ready.request.account, region=ready.request.region)
        stage.services = replace(
            stage.services,
            plugins={"vendor": cast(Plugin, made_at)},
            choices=Choices(phases=phases),
        )

    def test_run_names_a_provider_that_is_not_preferred(
        self, stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit
    ) -> None:
        self.choose(stage, ready, shots=("cuts", "vendor"), scenes=("dissolves",))
        (request,) = tick(stage, instance)
        assert request.run_config == {
            "ops": {
                "analysis": {"config": {"providers": {"shots": "vendor"}}},
                "scenes": {"config": {"providers": {"scenes": "vendor"}}},
            }
        }

    def test_run_of_the_preferred_provider_keeps_fallbacks(
        self, stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit
    ) -> None:
        self.choose(stage, ready, shots=("vendor", "cuts"), scenes=("vendor",))
        (request,) = tick(stage, instance)
        assert request.run_config == {}

    def test_run_names_no_removed_provider(
        self, stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit
    ) -> None:
        (request,) = tick(stage, instance)
        assert request.run_config == {}


class TestMissingPartition:
    """They hold up nobody else."""

    def test_deleted_partition_is_added_again(
        self, stage: Opened, instance: dg.DagsterInstance, ready: WorkUnit
    ) -> None:
        instance.delete_dynamic_partition(VIDEOS_NAME, str(KEY))
        (request,) = tick(stage, instance)
        assert request.partition_key == str(KEY)
        assert instance.has_dynamic_partition(VIDEOS_NAME, str(KEY))
        assert instance.get_dynamic_partitions(PROJECTS_NAME) == ["acme"]

    def test_video_of_the_command_try_is_left_out(
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

    def test_project_of_the_command_try(self) -> None:
        assert TRY_PROJECT == PROJECT


class TestManyAtOnce:
    """A tick does so much, and the next ones the rest, in turn of the projects."""

    @pytest.fixture(autouse=True)
    def few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("video_pipeline.defs.parked.sensor.A_TICK", 2)

    def test_runs_are_requested_in_turn_of_projects(
        self, stage: Opened, instance: dg.DagsterInstance, catalog: Catalog, job_of: JobOf
    ) -> None:
        for key in (*(f"acme/v{number}" for number in range(FIRST)), "globex/a"):
            ended(catalog, job_of(VideoKey.parse(key)))
        asked = [request.partition_key for request in tick(stage, instance)]
        assert len(asked) == FIRST
        assert {key.partition("/")[0] for key in asked if key} == {"acme", "globex"}

    def test_held_runs_are_released_in_portions(
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
