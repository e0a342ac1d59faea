"""Runs that died while no code server answered are made again, each once, as often as any."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from video_pipeline.defs.runs import lost_retries_sensor as module
from video_pipeline.defs.runs.lost_retries_sensor import lost_retries
from video_pipeline_tests.defs.conftest import KEY
from video_pipeline_tests.defs.gone_job import rename_job
from video_pipeline_tests.defs.opened import LAUNCHED_FROM, add_backfill

TAGS = {"dagster/partition": KEY, "dagster/backfill": "b1", "video_pipeline/video": KEY}
Died = Callable[..., dg.DagsterRun]
Tick = Callable[[], list[dg.DagsterRun]]


@pytest.fixture
def died(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Died:
    """A run that failed, and that Dagster gave up."""

    def died(
        reason: str = "UNKNOWN", will_retry: str = "false", tags: dict[str, str] = TAGS
    ) -> dg.DagsterRun:
        job = definitions.resolve_job_def("ingest_video")
        run = instance.create_run_for_job(
            job,
            tags=tags,
            asset_selection=frozenset({dg.AssetKey("shots")}),
            remote_job_origin=LAUNCHED_FROM,
        )
        return _fail(instance, run, reason, will_retry)

    return died


def _fail(
    instance: dg.DagsterInstance, run: dg.DagsterRun, reason: str, will_retry: str
) -> dg.DagsterRun:
    instance.report_run_failed(run)
    tags = {"dagster/failure_reason": reason, "dagster/will_retry": will_retry}
    instance.add_run_tags(run.run_id, tags)
    return run


@pytest.fixture
def tick(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Tick:
    """One tick; the runs that are queued after it."""

    def tick() -> list[dg.DagsterRun]:
        with dg.build_sensor_context(instance=instance, definitions=definitions) as context:
            lost_retries(context)
        return list(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])))

    return tick


def test_one_is_queued_once_for_its_assets_and_in_its_backfill(died: Died, tick: Tick) -> None:
    lost = died()
    tick()
    (again,) = tick()
    assert again.parent_run_id == again.root_run_id == lost.run_id
    assert again.asset_selection == lost.asset_selection
    assert TAGS.items() <= again.tags.items()


def test_one_that_keeps_dying_is_given_up_after_two(
    died: Died, tick: Tick, instance: dg.DagsterInstance
) -> None:
    died()
    for _ in range(2):
        (again,) = tick()
        _fail(instance, again, "UNKNOWN", "false")
    assert not tick()


@pytest.mark.parametrize(("reason", "will_retry"), [("STEP_FAILURE", "false"), ("UNKNOWN", "true")])
def test_a_failed_phase_and_one_that_dagster_makes_again_are_left_alone(
    died: Died, tick: Tick, reason: str, will_retry: str
) -> None:
    died(reason, will_retry)
    assert not tick()


def test_no_retry_in_a_cancelled_backfill(
    died: Died, tick: Tick, instance: dg.DagsterInstance
) -> None:
    add_backfill(instance, TAGS["dagster/backfill"])
    died()
    assert not tick()


def test_one_that_the_daemon_passed_over_is_queued_once_and_frees_its_backfill(
    died: Died, tick: Tick, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = died(will_retry="true")
    monkeypatch.setattr(module, "PASSED_OVER", timedelta(0))
    tick()
    (again,) = tick()
    assert again.parent_run_id == lost.run_id
    noted = instance.get_run_by_id(lost.run_id)
    assert noted and noted.tags["dagster/auto_retry_run_id"] == again.run_id


def test_one_that_the_daemon_has_made_again_is_not_made_twice(
    died: Died, tick: Tick, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = died(will_retry="true")
    instance.add_run_tags(made.run_id, {"dagster/auto_retry_run_id": "its-retry"})
    monkeypatch.setattr(module, "PASSED_OVER", timedelta(0))
    assert not tick()


class TestAGoneJob:
    """Its name was changed while runs of it were queued or to be made again."""

    @pytest.fixture
    def queued(self, died: Died, instance: dg.DagsterInstance) -> Died:
        """A run that the queue could not launch."""

        def queued(**how: Any) -> dg.DagsterRun:
            run = died(**how)
            rename_job(Path(instance.root_directory), run.run_id)
            return run

        return queued

    @pytest.mark.parametrize("will_retry", ["true", "false"])
    def test_its_run_is_queued_once_under_todays_name(
        self, queued: Died, tick: Tick, will_retry: str
    ) -> None:
        lost = queued(will_retry=will_retry)
        tick()
        (again,) = tick()
        assert again.job_name == lost.job_name == "ingest_video"
        assert again.remote_job_origin == lost.remote_job_origin
        assert again.asset_selection == lost.asset_selection
        assert TAGS.items() <= again.tags.items()

    def test_a_run_that_never_began_was_no_try(self, queued: Died, tick: Tick) -> None:
        queued(tags={**TAGS, "dagster/max_retries": "0"})
        assert len(tick()) == 1

    def test_a_run_that_began_has_no_more_tries_than_others(
        self, queued: Died, tick: Tick, instance: dg.DagsterInstance
    ) -> None:
        run = queued(tags={**TAGS, "dagster/max_retries": "0"})
        began = instance.get_run_record_by_id(run.run_id)
        assert began is not None and began.start_time is None
        start = dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="gone_job")
        instance.report_dagster_event(start, run_id=run.run_id)
        _fail(instance, run, "UNKNOWN", "false")
        assert not tick()

    def test_a_run_of_no_video_holds_up_no_other(
        self, queued: Died, died: Died, tick: Tick
    ) -> None:
        queued(tags={})
        lost = died()
        (again,) = tick()
        assert again.parent_run_id == lost.run_id
