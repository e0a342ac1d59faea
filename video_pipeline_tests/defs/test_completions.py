"""The sensor of completions: whose job ended goes on, by a held run or by a requested one."""

from datetime import UTC, datetime
from fractions import Fraction

import dagster as dg
import pytest

from video_pipeline.catalog.interface import Catalog
from video_pipeline.defs.completions import TRIES, UNIT_TAG, completions
from video_pipeline.defs.held import HELD_TAG, RELEASED, WAITING
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import Source
from video_pipeline.domain.usage import Meter, Usage
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline_tests.stage.opened import LAUNCHED_FROM, Opened

KEY = VideoKey.parse("acme/talk")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def running(catalog: Catalog) -> WorkUnit:
    """A job of the video runs at a vendor."""
    source = Source(key=KEY, object_key=f"{KEY.prefix}v.mp4", name="talk", version="1", size=1)
    catalog.project("acme").videos.register(source, NOW)
    units = catalog.project("acme").units
    request = WorkRequest(
        key=KEY,
        content="0" * 64,
        provider="vendor",
        plugin="vendor 1",
        account="a",
        region="r",
        operation="analyse",
        phases=(Phase.TRANSCRIPT,),
        kinds=(),
        parameters={},
        model="",
    )
    usage = (Usage(meter=Meter.REQUESTS, quantity=Fraction(1), paid=True),)
    unit = units.open(request, 0, usage, NOW)
    taken = units.claim(unit.id, "me", NOW, NOW)
    assert taken is not None
    taken = units.move(taken, UnitState.SUBMITTING, NOW)
    late = datetime(2999, 1, 1, tzinfo=UTC)
    return units.move(taken, UnitState.RUNNING, NOW, job="7", poll_at=late)


@pytest.fixture
def ready(running: WorkUnit, catalog: Catalog) -> WorkUnit:
    """The job has ended, and somebody said so."""
    catalog.project("acme").units.mark_ready(running.id, NOW)
    return running


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
def held(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dg.DagsterRun:
    return queued(definitions, instance, {HELD_TAG: WAITING})


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
