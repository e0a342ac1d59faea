"""Work left by commit a306670 succeeds under today's code, and no job is paid twice.

acme's runs have the job's name of that time. globex's are renamed to a job that no code has, as
after any later rename. make_old_home.py makes the archive.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
import yaml
from pymongo import MongoClient

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.defs.partitions import video_tags
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import Stage, UnitState, WaitKind, WorkUnit, states_in
from video_pipeline_tests.defs.gone_job import GONE, rename_job
from video_pipeline_tests.doubles.vendor import Vendor
from video_pipeline_tests.scenarios.support.executing import unfinished
from video_pipeline_tests.upgrade.deployment import TODAY, Deployment, HereRunLauncher
from video_pipeline_tests.upgrade.home import CONFIGURATION, expose, load, unpack
from video_pipeline_tests.upgrade.vendor_plugins import KeptShots, KeptSpeech

ROOT = Path(__file__).resolve().parents[2]
DOUBT = "doubt/video"
# Videos that only a person processes again.
BY_HAND = ("acme/failed", "acme/cancelled", "acme/unwanted")
# Was paid, then forced.
TWICE = "acme/forced"
_PATIENCE_SECONDS = 240


@dataclass(frozen=True)
class Upgraded:
    """The home before today's code ran, and after every run has ended."""

    before: dict[str, list[WorkUnit]]
    found: list[dg.DagsterRun]
    instance: dg.DagsterInstance
    catalog: Catalog
    vendor: Vendor

    def units(self, key: str) -> list[WorkUnit]:
        """Return the work units of a video."""
        return _units(self.catalog, key)

    def runs(self, key: str) -> list[dg.DagsterRun]:
        """Return the runs of a video, oldest first."""
        mine = dg.RunsFilter(tags={"dagster/partition": key})
        return list(self.instance.get_runs(mine, ascending=True))

    def states(self, key: str) -> dict[Phase, PhaseState]:
        """Return the state of each phase of a video."""
        video = VideoKey.parse(key)
        statuses = self.catalog.project(video.project).results.statuses(video.video)
        return {phase: status.state for phase, status in statuses.items()}


@pytest.fixture(scope="module")
def upgraded(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    """Return the old home after all of its work has ended."""
    folder, database = tmp_path_factory.mktemp("upgraded"), f"upgrade-{uuid4().hex[:12]}"
    written = unpack(folder)
    load(written["catalogue"], mongo_uri, database)
    with Vendor("now") as vendor, pytest.MonkeyPatch.context() as patch:
        vendor.take_over(written["vendor"])
        _configure(folder, database, vendor.url)
        patch.setenv("MONGODB_URI", mongo_uri)
        patch.setenv("VIDEO_PIPELINE_CONFIG", str(folder / "pipeline.yaml"))
        patch.setenv("VIDEO_PIPELINE_HOME", str(folder / "state"))
        patch.syspath_prepend(str(folder / "plugins"))
        catalog = connect(mongo_uri, database)
        with dg.DagsterInstance.from_config(str(folder / "dagster")) as instance:
            for run in instance.get_runs(dg.RunsFilter(tags={"video_pipeline/project": "globex"})):
                rename_job(folder / "dagster", run.run_id)
            found = list(instance.get_runs())
            before = {key: _units(catalog, key) for key in _keys(found)}
            _drive(instance, catalog, vendor)
            yield Upgraded(before, found, instance, catalog, vendor)
        catalog.close()
    with MongoClient(mongo_uri) as client:
        client.drop_database(database)


def _keys(runs: list[dg.DagsterRun]) -> list[str]:
    return sorted({run.tags["dagster/partition"] for run in runs})


def _configure(folder: Path, database: str, vendor: str) -> None:
    told = CONFIGURATION.replace("@VENDOR@", vendor)
    (folder / "pipeline.yaml").write_text(f"catalog: {{database: {database}}}\n{told}")
    (folder / "plugins").mkdir()
    shots, speech = (f"{one.__module__}:{one.__name__}" for one in (KeptShots, KeptSpeech))
    expose(folder / "plugins", shots=shots, speech=speech)
    home = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    home["run_launcher"] = {"module": HereRunLauncher.__module__, "class": "HereRunLauncher"}
    (folder / "dagster" / "dagster.yaml").write_text(yaml.safe_dump(home))


def _drive(instance: dg.DagsterInstance, catalog: Catalog, vendor: Vendor) -> None:
    """Until all has ended; then the same with what a person asks for again."""
    for key in ("acme/queued", "globex/queued"):
        vendor.behave(key, "soon")  # today's code parks and holds it
    deployment = Deployment(instance)
    _until_quiet(deployment, instance, catalog, vendor)
    for key in map(VideoKey.parse, BY_HAND):
        deployment.submit(dg.RunRequest(partition_key=str(key), tags=video_tags(key)))
    _until_quiet(deployment, instance, catalog, vendor)


def _until_quiet(
    deployment: Deployment, instance: dg.DagsterInstance, catalog: Catalog, vendor: Vendor
) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while unfinished(instance) or _open(catalog):
        assert time.monotonic() < until, (_open(catalog), instance.get_runs())
        for video in {job.video for job in vendor.jobs.values()}:
            vendor.finish(video)
        deployment.round()


def _open(catalog: Catalog) -> list[WorkUnit]:
    return [
        unit
        for project in catalog.projects()
        for state in states_in(Stage.UNSENT, Stage.SENT, Stage.ACCEPTED)
        for unit in catalog.project(project).units.in_state(state)
    ]


def _units(catalog: Catalog, key: str) -> list[WorkUnit]:
    video = VideoKey.parse(key)
    return catalog.project(video.project).units.of_video(video.video)


def test_old_home_has_every_state_and_flag(upgraded: Upgraded) -> None:
    units = [unit for found in upgraded.before.values() for unit in found]
    assert {unit.state for unit in units} == {
        *(UnitState.QUEUED, UnitState.ADMITTED, UnitState.SUBMITTING, UnitState.RUNNING),
        *(UnitState.ENDED, UnitState.IN_DOUBT, *states_in(Stage.OVER)),
    }
    kinds = {unit.wait.kind for unit in units if unit.wait}
    assert kinds >= {WaitKind.SLOT, WaitKind.PROVIDER, WaitKind.JOB}
    kept: dict[str, Callable[[WorkUnit], object]] = {
        "unwanted": lambda unit: unit.unwanted,
        "refusals": lambda unit: unit.refusals,
        "failed fetches": lambda unit: unit.fetch_failures,
        "looked up later": lambda unit: unit.due_at,
        "forced": lambda unit: unit.forced_by,
    }
    assert not [what for what, is_so in kept.items() if not any(map(is_so, units))]


@pytest.mark.parametrize("project", ["acme", "globex"])
def test_old_home_has_every_kind_of_run(upgraded: Upgraded, project: str) -> None:
    mine = [run for run in upgraded.found if run.tags["video_pipeline/project"] == project]
    kinds = {(run.status.value, run.tags.get("video_pipeline/held")) for run in mine}
    assert {("QUEUED", "waiting"), ("QUEUED", "released"), ("QUEUED", None)} <= kinds
    failed = [run for run in mine if run.status is dg.DagsterRunStatus.FAILURE]
    will_retry = "true" if project == "acme" else "false"
    assert will_retry in [run.tags["dagster/will_retry"] for run in failed]
    assert {run.job_name for run in mine} == {"road" if project == "acme" else GONE}


def test_every_video_succeeds(upgraded: Upgraded) -> None:
    keys = [key for key in upgraded.before if key != DOUBT]
    states = {key: upgraded.states(key) for key in keys}
    bad = {
        (key, phase): state
        for key, found in states.items()
        for phase, state in found.items()
        if not state.good
    }
    assert not bad
    assert all(found[Phase.EXPORTS] is PhaseState.DONE for found in states.values())
    assert len(keys) == 16


def test_each_job_is_billed_once(upgraded: Upgraded) -> None:
    assert upgraded.vendor.billed == dict.fromkeys(upgraded.before, 1) | {TWICE: 2}


def test_unit_in_doubt_stays_so(upgraded: Upgraded) -> None:
    assert upgraded.units(DOUBT) == upgraded.before[DOUBT]
    assert [unit.state for unit in upgraded.units(DOUBT)] == [UnitState.IN_DOUBT]
    assert not upgraded.states(DOUBT)[Phase.TRANSCRIPT].good


def test_requests_keep_their_identity(upgraded: Upgraded) -> None:
    for key, units in upgraded.before.items():
        now = {unit.id: unit.request for unit in upgraded.units(key)}
        assert {unit.id: unit.request for unit in units}.items() <= now.items()


@pytest.mark.parametrize("name", ["held", "released", "queued", "died"])
def test_run_of_a_gone_job_continues_under_todays_name(upgraded: Upgraded, name: str) -> None:
    runs = upgraded.runs(f"globex/{name}")
    old = [run for run in runs if run.job_name == GONE]
    assert not [run for run in old if run.status is dg.DagsterRunStatus.STARTED]
    replaced = {run.tags.get("dagster/auto_retry_run_id") for run in old}
    (again,) = [run for run in runs if run.run_id in replaced]
    assert (again.job_name, again.status) == (TODAY, dg.DagsterRunStatus.SUCCESS)
    assert again.remote_job_origin is not None
    assert again.remote_job_origin.job_name == TODAY
    assert {run.status for run in runs if run.job_name == TODAY} == {dg.DagsterRunStatus.SUCCESS}


def test_no_partition_is_left_failed(upgraded: Upgraded) -> None:
    for key in ("acme/held", "globex/held", "globex/queued", "globex/died"):
        exported = upgraded.instance.get_materialized_partitions(dg.AssetKey(Phase.EXPORTS))
        assert key in exported
        assert upgraded.runs(key)[-1].status is dg.DagsterRunStatus.SUCCESS
