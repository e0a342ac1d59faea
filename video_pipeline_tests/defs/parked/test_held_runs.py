"""Held runs: made once, for the right assets, with the right tags; let go by a change of a tag."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.parked.held_runs import continuation, hold, queue_holds, release, waiting
from video_pipeline.defs.videos.step import Step
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline_tests.defs.gone_job import rename_job
from video_pipeline_tests.defs.opened import LAUNCHED_FROM, Opened

KEY = "acme/talk"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass
class Context:
    """The part of a step's context that is looked at."""

    run: dg.DagsterRun
    instance: dg.DagsterInstance
    repository_def: dg.RepositoryDefinition
    log: logging.Logger
    selected_asset_keys: frozenset[dg.AssetKey] = frozenset(asset_key(phase) for phase in Phase)


Launched = Callable[..., dg.AssetExecutionContext]


@pytest.fixture
def launched(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Launched:
    """A step in a run that the deployment launched, or one that was started by hand."""
    repository = definitions.get_repository_def()

    def launched(origin: Any = LAUNCHED_FROM) -> dg.AssetExecutionContext:
        run = instance.create_run_for_job(
            repository.get_job("ingest_video"),
            tags={
                "dagster/partition": KEY,
                "dagster/backfill": "b1",
                "video_pipeline/project": "acme",
                "video_pipeline/video": KEY,
                "video_pipeline/unit": "u1",
            },
            run_config={"ops": {"analysis": {"config": {"providers": {"shots": "cuts"}}}}},
            remote_job_origin=origin,
        )
        context = Context(run, instance, repository, logging.getLogger(__name__))
        return cast(Any, context)

    return launched


def test_what_goes_on_is_the_parked_phase_and_all_that_hangs_on_it() -> None:
    names = {key.to_user_string() for key in continuation([Phase.TRANSCRIPT])}
    assert names == {"transcript", "scenes", "timeline", "exports"}


def test_it_stands_in_the_queue_with_the_tags_of_its_backfill_and_video(
    launched: Launched, instance: dg.DagsterInstance
) -> None:
    context = launched()
    run_id = hold(context, [Phase.SHOTS], ["u3", "u2"])
    held = instance.get_run_by_id(run_id or "")
    assert held is not None and held.status is dg.DagsterRunStatus.QUEUED
    assert held.asset_selection == continuation([Phase.SHOTS])
    assert held.parent_run_id == context.run.run_id
    assert held.remote_job_origin == LAUNCHED_FROM
    assert held.run_config == context.run.run_config
    assert held.tags["dagster/partition"] == KEY
    assert held.tags["dagster/backfill"] == "b1"
    assert held.tags["video_pipeline/project"] == "acme"
    assert held.tags["video_pipeline/held"] == "waiting"
    assert held.tags["video_pipeline/units"] == "u2,u3"
    assert "video_pipeline/unit" not in held.tags, "it belongs to the run that was requested"


def test_a_step_that_is_retried_finds_the_run_that_it_made(
    launched: Launched, instance: dg.DagsterInstance
) -> None:
    context = launched()
    assert hold(context, [Phase.SHOTS], ["u2"]) == hold(context, [Phase.SHOTS], ["u2"])
    assert len(waiting(instance)) == 1


def test_two_steps_of_one_run_hold_two(launched: Launched, instance: dg.DagsterInstance) -> None:
    context = launched()
    hold(context, [Phase.OBJECTS], ["u2"])
    hold(context, [Phase.SCENES], ["u3"])
    assert [run.partition for run in waiting(instance)] == [KEY, KEY]
    assert {run.units for run in waiting(instance)} == {frozenset({"u2"}), frozenset({"u3"})}


def test_released_it_waits_no_more_and_stays_queued(
    launched: Launched, instance: dg.DagsterInstance, definitions: dg.Definitions
) -> None:
    run_id = hold(launched(), [Phase.SHOTS], ["u2"])
    held = [run.run_id for run in waiting(instance)]
    release(instance, definitions.get_repository_def(), held)
    assert waiting(instance) == []
    run = instance.get_run_by_id(run_id or "")
    assert run is not None and run.status is dg.DagsterRunStatus.QUEUED


def test_release_replaces_a_run_whose_job_is_gone(
    launched: Launched, instance: dg.DagsterInstance, definitions: dg.Definitions
) -> None:
    held_id = hold(launched(), [Phase.SHOTS], ["u2"]) or ""
    held = instance.get_run_by_id(held_id)
    assert held is not None
    rename_job(Path(instance.root_directory), held.run_id)
    for _ in range(2):
        release(instance, definitions.get_repository_def(), [held_id])
    replaced = instance.get_run_by_id(held_id)
    assert replaced is not None and replaced.status is dg.DagsterRunStatus.CANCELED
    (made,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
    assert replaced.tags["dagster/auto_retry_run_id"] == made.run_id
    assert made.remote_job_origin == held.remote_job_origin
    assert (made.job_name, made.asset_selection) == (held.job_name, held.asset_selection)
    assert made.run_config == held.run_config
    for tag in ("dagster/partition", "dagster/backfill", "video_pipeline/units"):
        assert made.tags[tag] == held.tags[tag]
    assert made.tags["video_pipeline/held"] == "released"


def test_a_run_that_no_deployment_launched_holds_nothing(
    launched: Launched, instance: dg.DagsterInstance
) -> None:
    assert hold(launched(origin=None), [Phase.SHOTS], ["u2"]) is None
    assert waiting(instance) == []


def test_a_queue_that_would_start_it_at_once_is_given_nothing(
    launched: Launched,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("video_pipeline.defs.parked.held_runs.queue_holds", lambda _: False)
    assert hold(launched(), [Phase.SHOTS], ["u2"]) is None
    assert waiting(instance) == []
    assert "dagster.yaml" in caplog.text


def test_the_projects_dagster_yaml_holds_and_dagsters_default_does_not(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    assert queue_holds(instance)
    plain = tmp_path / "plain"
    plain.mkdir()
    with dg.DagsterInstance.from_config(str(plain)) as other:
        assert not queue_holds(other)


class TestATimelineThatWaitsForJobs:
    """Asked for alone, while the jobs of other phases run."""

    @pytest.fixture
    def told(self, launched: Launched, stage: Opened) -> Callable[[], object]:
        outcome = Outcome(phase=Phase.TIMELINE, state=PhaseState.PARKED, message="waits")
        step = Step(launched(), VideoKey.parse(KEY), stage.services)
        return lambda: list(step.record([outcome]))

    @pytest.fixture
    def parked(self, job_of: Callable[..., WorkUnit], catalog: Catalog) -> WorkUnit:
        unit = job_of(phases=(Phase.SHOTS,))
        catalog.project("acme").events.record(
            "talk", Phase.SHOTS, PhaseState.PARKED, NOW, unit=unit.id
        )
        return unit

    def test_goes_on_together_with_them(
        self, told: Callable[[], object], parked: WorkUnit, instance: dg.DagsterInstance
    ) -> None:
        told()
        (held,) = waiting(instance)
        assert held.units == {parked.id}
        run = instance.get_run_by_id(held.run_id)
        assert run is not None and run.asset_selection == continuation([Phase.SHOTS])

    def test_goes_on_together_with_what_waits_for_its_turn(
        self,
        told: Callable[[], object],
        waiting_of: Callable[..., WorkUnit],
        catalog: Catalog,
        instance: dg.DagsterInstance,
    ) -> None:
        unit = waiting_of(phases=(Phase.SHOTS,))
        catalog.project("acme").events.record(
            "talk", Phase.SHOTS, PhaseState.PARKED, NOW, unit=unit.id
        )
        told()
        (held,) = waiting(instance)
        assert held.units == {unit.id}

    def test_is_not_held_for_a_job_that_has_ended(
        self,
        told: Callable[[], object],
        parked: WorkUnit,
        catalog: Catalog,
        instance: dg.DagsterInstance,
    ) -> None:
        catalog.project("acme").units.move(parked, UnitState.CANCELLED, NOW)
        told()
        assert waiting(instance) == [], "it would be let go and park again, in a circle"
