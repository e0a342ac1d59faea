"""Lost runs are queued once, with as many retries as other runs."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from video_pipeline.defs.runs import lost_retries_sensor as module
from video_pipeline.defs.runs.lost_retries_sensor import lost_retries
from video_pipeline_tests.defs.conftest import KEY
from video_pipeline_tests.defs.gone_job import rename_job, rename_selected_asset
from video_pipeline_tests.defs.opened import LAUNCHED_FROM, add_backfill

TAGS = {"dagster/partition": KEY, "dagster/backfill": "b1", "video_pipeline/name": "a talk.mp4"}
Died = Callable[..., dg.DagsterRun]
Tick = Callable[[], list[dg.DagsterRun]]


@pytest.fixture
def died(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Died:
    """Return a failed run that Dagster did not retry."""

    def died(
        reason: str = "UNKNOWN",
        will_retry: str = "false",
        tags: dict[str, str] = TAGS,
        assets: tuple[str, ...] = ("shots",),
    ) -> dg.DagsterRun:
        job = definitions.resolve_job_def("ingest_video")
        run = instance.create_run_for_job(
            job,
            tags=tags,
            asset_selection=frozenset(map(dg.AssetKey, assets)),
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
    """Tick once and return the queued runs."""

    def tick() -> list[dg.DagsterRun]:
        with dg.build_sensor_context(instance=instance, definitions=definitions) as context:
            lost_retries(context)
        return list(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])))

    return tick


def test_lost_run_is_queued_once_with_assets_and_backfill(died: Died, tick: Tick) -> None:
    lost = died()
    tick()
    (again,) = tick()
    assert again.parent_run_id == again.root_run_id == lost.run_id
    assert again.asset_selection == lost.asset_selection
    assert TAGS.items() <= again.tags.items()


def test_lost_run_has_two_retries(died: Died, tick: Tick, instance: dg.DagsterInstance) -> None:
    died()
    for _ in range(2):
        (again,) = tick()
        _fail(instance, again, "UNKNOWN", "false")
    assert not tick()


@pytest.mark.parametrize(("reason", "will_retry"), [("STEP_FAILURE", "false"), ("UNKNOWN", "true")])
def test_no_retry_of_a_failed_step_or_by_dagster(
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


def test_run_that_the_daemon_skipped_is_queued_once(
    died: Died, tick: Tick, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = died(will_retry="true")
    monkeypatch.setattr(module, "PASSED_OVER", timedelta(0))
    tick()
    (again,) = tick()
    assert again.parent_run_id == lost.run_id
    noted = instance.get_run_by_id(lost.run_id)
    assert noted and noted.tags["dagster/auto_retry_run_id"] == again.run_id


def test_no_second_retry_after_the_daemons(
    died: Died, tick: Tick, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = died(will_retry="true")
    instance.add_run_tags(made.run_id, {"dagster/auto_retry_run_id": "its-retry"})
    monkeypatch.setattr(module, "PASSED_OVER", timedelta(0))
    assert not tick()


class TestAGoneJob:
    """The job was renamed while runs of it were queued or due for a retry."""

    @pytest.fixture
    def queued(self, died: Died, instance: dg.DagsterInstance) -> Died:
        """Return a run that the queue could not launch."""

        def queued(**how: Any) -> dg.DagsterRun:
            run = died(**how)
            rename_job(Path(instance.root_directory), run.run_id)
            return run

        return queued

    @pytest.mark.parametrize("will_retry", ["true", "false"])
    def test_run_is_queued_once_under_todays_name(
        self, queued: Died, tick: Tick, will_retry: str
    ) -> None:
        lost = queued(will_retry=will_retry)
        tick()
        (again,) = tick()
        assert again.job_name == lost.job_name == "ingest_video"
        assert again.remote_job_origin == lost.remote_job_origin
        assert again.asset_selection == lost.asset_selection
        assert TAGS.items() <= again.tags.items()

    def test_run_that_never_began_was_no_try(self, queued: Died, tick: Tick) -> None:
        queued(tags={**TAGS, "dagster/max_retries": "0"})
        assert len(tick()) == 1

    def test_run_that_began_was_a_try(
        self, queued: Died, tick: Tick, instance: dg.DagsterInstance
    ) -> None:
        run = queued(tags={**TAGS, "dagster/max_retries": "0"})
        began = instance.get_run_record_by_id(run.run_id)
        assert began is not None and began.start_time is None
        start = dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="gone_job")
        instance.report_dagster_event(start, run_id=run.run_id)
        _fail(instance, run, "UNKNOWN", "false")
        assert not tick()

    def test_run_of_no_video_does_not_stop_others(
        self, queued: Died, died: Died, tick: Tick
    ) -> None:
        queued(tags={})
        lost = died()
        (again,) = tick()
        assert again.parent_run_id == lost.run_id


def test_run_that_selects_a_gone_asset_continues_without_it(
    died: Died, tick: Tick, instance: dg.DagsterInstance
) -> None:
    lost = died(assets=("shots", "audio"), tags={**TAGS, "dagster/max_retries": "0"})
    rename_selected_asset(Path(instance.root_directory), lost.run_id, "audio")
    (again,) = tick()
    assert (again.parent_run_id, again.job_name) == (lost.run_id, "ingest_video")
    assert again.asset_selection == frozenset({dg.AssetKey("shots")})
