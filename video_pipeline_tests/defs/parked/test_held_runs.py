"""Held runs: made once, for the right assets and tags, and released by a tag."""

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
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline_tests.defs.gone_job import rename_job
from video_pipeline_tests.defs.opened import LAUNCHED_FROM, Opened

KEY = "acme/talk"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass
class Context:
    """What is used of a step's context."""

    run: dg.DagsterRun
    instance: dg.DagsterInstance
    repository_def: dg.RepositoryDefinition
    log: logging.Logger
    job_def: dg.JobDefinition
    selected_asset_check_keys: frozenset[dg.AssetCheckKey] = frozenset()
    selected_asset_keys: frozenset[dg.AssetKey] = frozenset(asset_key(phase) for phase in Phase)


Launched = Callable[..., dg.AssetExecutionContext]


@pytest.fixture
def launched(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Launched:
    """Return a step's context in a run with this origin, or without one."""
    repository = definitions.get_repository_def()

    def launched(origin: Any = LAUNCHED_FROM) -> dg.AssetExecutionContext:
        job = repository.get_job("ingest_video")
        run = instance.create_run_for_job(
            job,
            tags={
                "dagster/partition": KEY,
                "dagster/backfill": "b1",
                "video_pipeline/project": "acme",
                "video_pipeline/name": "a talk.mp4",
                "video_pipeline/unit": "u1",
            },
            run_config={"ops": {"analysis": {"config": {"providers": {"shots": "cuts"}}}}},
            remote_job_origin=origin,
        )
        context = Context(run, instance, repository, logging.getLogger(__name__), job)
        return cast(Any, context)

    return launched


def test_continuation_is_the_phase_and_all_downstream() -> None:
    names = {key.to_user_string() for key in continuation([Phase.TRANSCRIPT])}
    assert names == {"transcript", "scenes", "timeline", "exports"}


def test_hold_queues_with_tags_of_backfill_and_video(
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


def test_hold_in_a_retried_step_finds_its_run(
    launched: Launched, instance: dg.DagsterInstance
) -> None:
    context = launched()
    assert hold(context, [Phase.SHOTS], ["u2"]) == hold(context, [Phase.SHOTS], ["u2"])
    assert len(waiting(instance)) == 1


def test_hold_in_two_steps_makes_two_runs(launched: Launched, instance: dg.DagsterInstance) -> None:
    context = launched()
    hold(context, [Phase.OBJECTS], ["u2"])
    hold(context, [Phase.SCENES], ["u3"])
    assert [run.partition for run in waiting(instance)] == [KEY, KEY]
    assert {run.units for run in waiting(instance)} == {frozenset({"u2"}), frozenset({"u3"})}


def test_release_leaves_the_run_queued(
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


def test_release_links_the_replacement_before_it_cancels(
    launched: Launched,
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held_id = hold(launched(), [Phase.SHOTS], ["u2"]) or ""
    rename_job(Path(instance.root_directory), held_id)
    seen: list[dict[str, str]] = []

    def killed(run: dg.DagsterRun, *_: object) -> None:
        found = instance.get_run_by_id(run.run_id)
        seen.append(dict(found.tags) if found else {})
        raise KeyboardInterrupt

    monkeypatch.setattr(instance, "report_run_canceled", killed)
    with pytest.raises(KeyboardInterrupt):
        release(instance, definitions.get_repository_def(), [held_id])
    (tags,) = seen
    assert instance.has_run(tags["dagster/auto_retry_run_id"])
    assert tags["video_pipeline/held"] == "waiting"


def test_hold_in_a_run_without_origin(launched: Launched, instance: dg.DagsterInstance) -> None:
    assert hold(launched(origin=None), [Phase.SHOTS], ["u2"]) is None
    assert waiting(instance) == []


def test_hold_in_a_queue_that_cannot_hold(
    launched: Launched,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("video_pipeline.defs.parked.held_runs.queue_holds", lambda _: False)
    assert hold(launched(), [Phase.SHOTS], ["u2"]) is None
    assert waiting(instance) == []
    assert "dagster.yaml" in caplog.text


def test_queue_holds_by_dagster_yaml_only(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    assert queue_holds(instance)
    plain = tmp_path / "plain"
    plain.mkdir()
    with dg.DagsterInstance.from_config(str(plain)) as other:
        assert not queue_holds(other)


class TestTimelineWaitingForJobs:
    """A run of the timeline alone, while the jobs of other phases run."""

    @pytest.fixture
    def told(self, launched: Launched, stage: Opened) -> Callable[[], object]:
        outcome = Outcome(phase=Phase.TIMELINE, state=PhaseState.PARKED, message="waits")
        run = VideoRun.of(stage.services, VideoKey.parse(KEY))
        step = Step(launched(), stage.services, run)
        return lambda: list(step.record([outcome]))

    @pytest.fixture
    def parked(self, job_of: Callable[..., WorkUnit], catalog: Catalog) -> WorkUnit:
        unit = job_of(phases=(Phase.SHOTS,))
        catalog.project("acme").events.record(
            "talk", Phase.SHOTS, PhaseState.PARKED, NOW, unit=unit.id
        )
        return unit

    def test_continues_with_them(
        self, told: Callable[[], object], parked: WorkUnit, instance: dg.DagsterInstance
    ) -> None:
        told()
        (held,) = waiting(instance)
        assert held.units == {parked.id}
        run = instance.get_run_by_id(held.run_id)
        assert run is not None and run.asset_selection == continuation([Phase.SHOTS])

    def test_continues_with_units_not_submitted(
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

    def test_is_not_held_for_an_ended_job(
        self,
        told: Callable[[], object],
        parked: WorkUnit,
        catalog: Catalog,
        instance: dg.DagsterInstance,
    ) -> None:
        catalog.project("acme").units.finish(parked, UnitState.CANCELLED, NOW, used=())
        told()
        assert waiting(instance) == [], "it would be released and park again, in a circle"
