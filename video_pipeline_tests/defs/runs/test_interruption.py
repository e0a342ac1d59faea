"""Phases whose run died for good are interrupted; those that a run continues are not."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.runs.interruption import QUIET, RETRIED_WITHIN, report_interrupted_runs
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.progress.interruption import SILENCE
from video_pipeline_tests.defs.conftest import NOW, TALK
from video_pipeline_tests.defs.opened import LAUNCHED_FROM, add_backfill

Launch = Callable[..., dg.DagsterRun]
Report = Callable[..., PhaseState]
Status = dg.DagsterRunStatus
LATER = 2 * RETRIED_WITHIN


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Return an instance whose records are in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def launch(instance: dg.DagsterInstance, catalog: Catalog) -> Launch:
    """Return a maker of runs of the video, which have begun `shots` unless told otherwise."""

    def launch(
        status: Status, *phases: Phase, begun: bool = True, key: VideoKey = TALK, **tags: str
    ) -> dg.DagsterRun:
        run = dg.DagsterRun(
            "ingest_video",
            status=status if status is Status.QUEUED else Status.STARTED,
            tags={"dagster/partition": str(key), **tags},
            asset_selection=frozenset(map(asset_key, phases)) or None,
            remote_job_origin=LAUNCHED_FROM,
        )
        instance.add_run(run)
        if begun:
            begin(catalog, run.run_id, key=key)
        if status is Status.FAILURE:
            instance.report_run_failed(run)
        elif status is Status.CANCELED:
            instance.report_run_canceled(run)
        return run

    return launch


def begin(catalog: Catalog, run_id: str, unit: str | None = None, *, key: VideoKey = TALK) -> None:
    catalog.project(key.project).events.record(
        key.video,
        *(Phase.SHOTS, PhaseState.RUNNING, datetime.now(UTC)),
        provider="vendor",
        unit=unit,
        run_id=run_id,
    )


@pytest.fixture
def report(instance: dg.DagsterInstance, catalog: Catalog) -> Report:
    """Return what looks for interrupted phases some time later, and returns the state of shots."""

    def report(after: timedelta = LATER) -> PhaseState:
        report_interrupted_runs(instance, catalog, datetime.now(UTC) + after)
        return catalog.project("acme").results.statuses(TALK.video)[Phase.SHOTS].state

    return report


@pytest.fixture(autouse=True)
def videos(job_of: Callable[..., WorkUnit]) -> None:
    """Register a video in each of two projects."""
    job_of(TALK, (Phase.TRANSCRIPT,))
    job_of(VideoKey.parse("globex/talk"), (Phase.TRANSCRIPT,))


@pytest.mark.parametrize(
    ("status", "after", "state"),
    [
        (Status.FAILURE, LATER, PhaseState.INTERRUPTED),
        # A retry may still be queued.
        (Status.FAILURE, QUIET * 2, PhaseState.RUNNING),
        (Status.CANCELED, QUIET * 2, PhaseState.CANCELLED),
        # The phase has just recorded an event.
        (Status.CANCELED, QUIET / 2, PhaseState.RUNNING),
        (Status.STARTED, LATER, PhaseState.RUNNING),
        (Status.STARTED, 2 * SILENCE, PhaseState.RUNNING),
    ],
)
def test_phase_of_an_ended_run(
    launch: Launch, report: Report, status: Status, after: timedelta, state: PhaseState
) -> None:
    launch(status)
    assert report(after) is state


def test_phase_of_a_run_unknown_to_dagster(catalog: Catalog, report: Report) -> None:
    begin(catalog, "of-another-home")
    assert report() is PhaseState.INTERRUPTED


def test_phase_without_dagster_is_silent_for_hours(catalog: Catalog, report: Report) -> None:
    begin(catalog, "")
    assert report() is PhaseState.RUNNING
    assert report(SILENCE + QUIET) is PhaseState.INTERRUPTED


@pytest.mark.parametrize(
    ("phases", "state"),
    [
        ((), PhaseState.RUNNING),
        ((Phase.SHOTS, Phase.SCENES), PhaseState.RUNNING),
        # Such as a run that is held for the transcript.
        ((Phase.TRANSCRIPT, Phase.SCENES), PhaseState.INTERRUPTED),
    ],
)
def test_queued_run_continues_its_own_phases(
    launch: Launch, report: Report, phases: tuple[Phase, ...], state: PhaseState
) -> None:
    launch(Status.FAILURE)
    launch(Status.QUEUED, *phases, begun=False)
    assert report() is state


def test_run_of_another_project_continues_nothing(launch: Launch, report: Report) -> None:
    launch(Status.FAILURE)
    launch(Status.STARTED, key=VideoKey.parse("globex/talk"))
    assert report() is PhaseState.INTERRUPTED


def test_unit_keeps_its_phase_running(
    launch: Launch, report: Report, catalog: Catalog, job_of: Callable[..., WorkUnit]
) -> None:
    run = launch(Status.FAILURE)
    units = catalog.project("acme").units
    unit = job_of(TALK, (Phase.SHOTS,))
    begin(catalog, run.run_id, unit.id)
    assert report() is PhaseState.RUNNING, "the sweep continues its job"
    units.finish(unit, UnitState.FAILED, NOW, used=())
    other = units.of_video(TALK.video)[0]
    assert units.claim(other.id, "a process", timedelta(minutes=1))
    assert report() is PhaseState.RUNNING, "a process is at work"
    units.release(other.id, "a process")
    assert report() is PhaseState.INTERRUPTED


def test_run_of_a_cancelled_backfill_is_left(
    launch: Launch, report: Report, instance: dg.DagsterInstance
) -> None:
    add_backfill(instance, "b1")
    launch(Status.CANCELED, **{"dagster/backfill": "b1"})
    assert report() is PhaseState.RUNNING


def test_interrupted_phase_names_the_remedy(
    launch: Launch, report: Report, catalog: Catalog
) -> None:
    launch(Status.FAILURE)
    report()
    acme = catalog.project("acme")
    status = acme.results.statuses(TALK.video)[Phase.SHOTS]
    assert "backfill --project acme --only failed" in status.message
    assert status.provider == "vendor"
    assert acme.events.after(0)[-1].state is PhaseState.INTERRUPTED
    begin(catalog, "the next run")
    assert report(QUIET / 2) is PhaseState.RUNNING
