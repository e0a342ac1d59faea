"""`jobs` and its subcommands, on a real Dagster behind its webserver."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import dagster as dg
import pytest

from video_pipeline.dagster_api.tags import HELD_TAG, UNITS_TAG, WAITING
from video_pipeline.definitions import build_defs
from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import Source
from video_pipeline.domain.usage import Meter, Usage
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline.pipeline.services import Services, now_utc
from video_pipeline.settings import load_settings
from video_pipeline_tests.defs.opened import LAUNCHED_FROM
from video_pipeline_tests.doubles.units import bring_to
from video_pipeline_tests.servers.webserver_here import webserver_here

ROOT = Path(__file__).resolve().parents[3]
AGO = timedelta(hours=2, minutes=5)
FAR_AHEAD = timedelta(days=400)


@pytest.fixture
def made(services: Services):
    """Makes a unit of a video in a state, submitted two hours ago."""

    def made(
        state: UnitState,
        video: str = "acme/one",
        provider: str = "cuts",
        job: str = "job-7",
        kind: str = "shot",
    ) -> WorkUnit:
        key = VideoKey.parse(video)
        source = Source(
            key=key, object_key=f"{key.prefix}v.mp4", name=key.video, version="1", size=5
        )
        now = now_utc() - AGO
        project = services.of(key.project)
        project.videos.register(source, now)
        request = WorkRequest(
            key=key,
            content="c" * 64,
            provider=provider,
            plugin="p 1",
            account="4711",
            region="eu-1",
            operation="analyse",
            phases=(Phase.SHOTS,),
            kinds=(kind,),
            parameters={},
            model="",
        )
        usage = (Usage(meter=Meter.VIDEO_SECONDS, quantity=Fraction(90), paid=True),)
        unit = project.units.open(request, 0, usage, now)
        unit = bring_to(project.units, unit, state, now, job=job, poll_at=now + FAR_AHEAD)
        project.events.record(key.video, Phase.SHOTS, PhaseState.PARKED, now, unit=unit.id)
        return unit

    return made


@pytest.fixture
def instance(config: Path, services: Services) -> Iterator[dg.DagsterInstance]:
    """The Dagster of the state folder."""
    home = load_settings(config).dagster_home
    home.mkdir(parents=True)
    shutil.copy(ROOT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.add_dynamic_partitions(VIDEOS_NAME, ["acme/one", "globex/one"])
        yield instance


@pytest.fixture
def served(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Its webserver, known to the commands."""
    with webserver_here(instance) as address:
        monkeypatch.setenv("VIDEO_PIPELINE_WEBSERVER", address)
        yield


def held(instance: dg.DagsterInstance, unit: WorkUnit) -> str:
    """A run that waits for a unit."""
    definitions = build_defs(load_settings(ROOT / "pipeline.yaml", {}))
    run = instance.create_run_for_job(
        definitions.resolve_job_def("ingest_video"),
        tags={
            "dagster/partition": str(unit.request.key),
            HELD_TAG: WAITING,
            UNITS_TAG: unit.id,
        },
        remote_job_origin=LAUNCHED_FROM,
    )
    instance.report_dagster_event(dg.DagsterEvent.job_enqueue(run), run_id=run.run_id)
    return run.run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_jobs_lists_units_with_age_job_and_quantity(call, made) -> None:
    running, ended = made(UnitState.RUNNING), made(UnitState.FAILED, "globex/one")
    told = call("jobs").output
    line = next(line for line in told.splitlines() if running.id in line)
    assert all(part in line for part in ("running", "acme/one", "4711/eu-1", "job-7"))
    assert "2 h 5 min" in line and "in 399 d" in line and "90 s of video, paid" in line
    assert ended.id not in told
    failed = call("jobs", "--state", "failed").output
    assert ended.id in failed and "it broke" in failed and running.id not in failed


@pytest.mark.parametrize(
    ("state", "what"),
    [
        (UnitState.ENDED, "the job has ended; a run fetches the result"),
        (UnitState.ADMITTED, "admitted; a run submits it"),
        (UnitState.RETURNED, "a run repeats its request"),
        (UnitState.QUEUED, "waits for one of 20 slots"),
        (UnitState.UNFETCHED, "it is retried automatically"),
        (UnitState.IN_DOUBT, "may have been billed"),
    ],
)
def test_jobs_shows_the_next_step_of_a_unit(call, made, state: UnitState, what: str) -> None:
    unit = made(state)
    (line,) = (line for line in call("jobs").output.splitlines() if unit.id in line)
    assert what in line.lower() and state in line


def test_jobs_sums_by_provider_and_state(call, made) -> None:
    made(UnitState.PLANNED), made(UnitState.RUNNING, "globex/one")
    told = json.loads(call("jobs", "--json").stdout)
    assert [(one["provider"], one["state"], one["units"]) for one in told["sums"]] == [
        ("cuts", "planned", 1),
        ("cuts", "running", 1),
    ]
    assert "90" in told["sums"][0]["planned"][0]["quantity"]
    assert "No work unit matches" in call("jobs", "--state", "settled").output


def test_jobs_pages_are_consecutive(call, made) -> None:
    units = [made(UnitState.RUNNING), made(UnitState.RUNNING, "globex/one")]
    first = json.loads(call("jobs", "--limit", "1", "--json").stdout)
    assert [unit["id"] for unit in first["units"]] == [units[0].id]
    assert f"--after {units[0].id}" in call("jobs", "--limit", "1").output
    second = json.loads(call("jobs", "--after", first["after"], "--json").stdout)
    assert [unit["id"] for unit in second["units"]] == [units[1].id]
    assert second["after"] is None


def test_jobs_filters_by_project_provider_and_video(call, made) -> None:
    mine, other = made(UnitState.RUNNING), made(UnitState.RUNNING, "globex/one", "rival")

    def found(*options: str) -> list[str]:
        return [unit["id"] for unit in json.loads(call("jobs", "--json", *options).stdout)["units"]]

    assert found("--project", "acme") == [mine.id] == found("--video", "acme/one")
    assert found("--provider", "rival") == [other.id]
    assert found("--video", "acme/two") == []
    assert call("jobs", "--project", "nobody").exit_code == 1
    assert call("jobs", "--project", "globex", "--video", "acme/one").exit_code == 1


@pytest.mark.usefixtures("served")
def test_cancel_ends_the_unit_and_its_waiting_run(
    call, made, instance: dg.DagsterInstance, services: Services
) -> None:
    unit, other = made(UnitState.RUNNING, provider="gone"), made(UnitState.RUNNING, "globex/one")
    mine, others = held(instance, unit), held(instance, other)
    assert call("jobs", "cancel", unit.id, input="n\n").exit_code == 1
    assert services.of("acme").units.get(unit.id) == unit
    done = call("jobs", "cancel", unit.id, "--yes")
    assert done.exit_code == 0 and "no longer in pipeline.yaml" in done.output, done.output
    now = services.of("acme").units.get(unit.id)
    assert now is not None and now.state is UnitState.CANCELLED
    assert status(instance, mine) is dg.DagsterRunStatus.CANCELED
    assert status(instance, others) is dg.DagsterRunStatus.QUEUED
    assert services.of("globex").units.get(other.id) == other
    again = call("jobs", "cancel", unit.id, "--yes")
    assert again.exit_code == 1 and "ended already: cancelled" in again.output


@pytest.mark.usefixtures("served")
def test_cancel_includes_units_that_serve_the_same_phase(
    call, made, instance: dg.DagsterInstance, services: Services
) -> None:
    unit = made(UnitState.RUNNING, provider="gone")
    other = made(UnitState.RUNNING, provider="gone", job="job-8", kind="fade")
    waits = held(instance, other)
    asked = call("jobs", "cancel", unit.id, input="n\n")
    assert "job-7" in asked.output and "job-8" in asked.output and "still billed" in asked.output
    done = call("jobs", "cancel", unit.id, "--yes")
    assert done.exit_code == 0 and f"{other.id}, shots of acme/one" in done.output, done.output
    now = services.of("acme").units.get(other.id)
    assert now is not None and now.state is UnitState.CANCELLED
    assert status(instance, waits) is dg.DagsterRunStatus.CANCELED


def test_cancel_without_dagster_changes_nothing(call, made, services: Services) -> None:
    unit = made(UnitState.RUNNING)
    ended = call("jobs", "cancel", unit.id, "--yes")
    assert ended.exit_code == 1 and "VIDEO_PIPELINE_WEBSERVER" in ended.output
    assert services.of("acme").units.get(unit.id) == unit


@pytest.mark.usefixtures("served")
def test_retry_launches_a_run_of_the_phases(call, made, instance: dg.DagsterInstance) -> None:
    unit = made(UnitState.FAILED)
    ended = call("jobs", "retry", unit.id)
    assert ended.exit_code == 0, ended.output
    (backfill,) = instance.get_backfills()
    assert backfill.backfill_id in ended.output
    assert backfill.title == "acme: failed" and not backfill.run_config
    assert backfill.asset_backfill_data is not None
    pairs = backfill.asset_backfill_data.target_subset.iterate_asset_partitions()
    assert {(one.asset_key.to_user_string(), one.partition_key) for one in pairs} == {
        (phase, "acme/one") for phase in ("shots", "pictures", "scenes", "timeline", "exports")
    }


@pytest.mark.usefixtures("served")
def test_force_shows_the_cost_before_it_launches(call, made, instance: dg.DagsterInstance) -> None:
    unit = made(UnitState.SETTLED)
    asked = call("jobs", "force", unit.id, input="n\n")
    assert asked.exit_code == 1 and "Cost: 90 s of video, paid" in asked.output
    assert instance.get_backfills() == []
    assert call("jobs", "force", unit.id, "--yes").exit_code == 0
    (backfill,) = instance.get_backfills()
    assert backfill.run_config == {"ops": {"analysis": {"config": {"force": True}}}}


def test_unit_in_doubt_is_released_but_not_cancelled(call, made, services: Services) -> None:
    unit = made(UnitState.IN_DOUBT)
    refused = call("jobs", "cancel", unit.id, "--yes")
    assert refused.exit_code == 1 and "jobs release" in refused.output
    assert call("jobs", "release", unit.id, "--yes").exit_code == 0
    released = services.of("acme").units.get(unit.id)
    assert released is not None and released.state is UnitState.FAILED


def test_fetch_makes_a_running_job_due_at_once(call, made, services: Services) -> None:
    unit = made(UnitState.RUNNING)
    assert services.of("acme").units.due(now_utc()) == []
    assert call("jobs", "fetch", unit.id).exit_code == 0
    assert [one.id for one in services.of("acme").units.due(now_utc())] == [unit.id]


@pytest.mark.parametrize("command", ["cancel", "retry", "force", "fetch", "release"])
def test_unknown_unit_is_an_error(call, command: str) -> None:
    ended = call("jobs", command, "0" * 40)
    assert ended.exit_code == 1 and "no such work unit" in ended.output
