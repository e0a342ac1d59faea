"""Run a backfill with videos done, parked, failed and killed, and cancel two others.

Dagster's webserver and daemon are real. While a job runs at the vendor no run executes, and the
backfill stays open. A killed run is retried, and one failure counts once. A cancelled backfill
leaves nothing open: the vendor cancels its jobs or, if it cannot, their usage is recorded when they
end. The table shows shots and timeline of each video over time, as the web interface does.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

import video_pipeline.samples
from video_pipeline.catalog.connection import connect
from video_pipeline.defs.parked.held_runs import waiting
from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES, Phase
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.storage.local.folder import FolderIngest
from video_pipeline_tests.doubles.installed import expose
from video_pipeline_tests.doubles.vendor import Vendor
from video_pipeline_tests.scenarios.support.deployment import Claims, temporary_deployment
from video_pipeline_tests.scenarios.support.executing import AT_WORK, executing, unfinished
from video_pipeline_tests.servers.dagster_processes import dagster_processes
from video_pipeline_tests.servers.webserver import Webserver

DONE, PARKED, FAILING, KILLED = "acme/done", "acme/parked", "acme/failing", "acme/killed"
FIRST = (DONE, PARKED, FAILING, KILLED)
SECOND = ("acme/cancelled-1", "acme/cancelled-2")
THIRD = ("globex/cancelled-3",)
_PATIENCE_SECONDS = 240
_CONFIGURATION = """\
providers:
  vendor:
    plugin: vendor-shots
    options: {{url: "{url}"}}
phases:
  shots: [vendor]
work: {{lease_seconds: 2, backoff_seconds: 0.1}}
"""


def run() -> int:
    """Run it, and return 0 if every claim holds."""
    with temporary_deployment() as (folder, uri), Vendor() as vendor:
        (folder / "pipeline.yaml").write_text(_CONFIGURATION.format(url=vendor.url))
        _register(folder / ".video-pipeline" / "ingest", uri)
        environment = {
            "MONGODB_URI": uri,
            "PYTHONPATH": expose(folder / "plugins"),
            "VIDEO_PIPELINE_CONFIG": str(folder / "pipeline.yaml"),
            "VIDEO_PIPELINE_HOME": str(folder / ".video-pipeline"),
        }
        with dagster_processes(folder / "dagster", environment) as (instance, server):
            instance.add_dynamic_partitions(VIDEOS_NAME, [*FIRST, *SECOND, *THIRD])
            environment["VIDEO_PIPELINE_WEBSERVER"] = server.address
            stage = _Stage(instance, server, vendor, environment)
            stage.four_videos()
            stage.cancelled()
            stage.cancelled_by_the_command()
            return stage.claims.verdict()


def _register(ingest: Path, uri: str) -> None:
    catalog = connect(uri, "video_pipeline")
    sample = Path(video_pipeline.samples.__file__).with_name("trailer.mp4")
    for key in (*FIRST, *SECOND, *THIRD):
        project, video = key.split("/")
        name = f"projects/{project}/videos/{video}/{sample.name}"
        (ingest / name).parent.mkdir(parents=True)
        shutil.copy(sample, ingest / name)
        register_now(FolderIngest(ingest), catalog, name, datetime.now(UTC))
    catalog.close()


class _Stage:
    """The running deployment, its watch, and the claims."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        server: Webserver,
        vendor: Vendor,
        environment: Mapping[str, str],
    ) -> None:
        self._instance, self._server, self._vendor = instance, server, vendor
        self._environment = environment
        self.claims = Claims()
        self._began, self._last = time.monotonic(), ""

    def four_videos(self) -> None:
        """Backfill four videos: done, parked, failing and killed."""
        self._vendor.behave(DONE, "now")
        self._vendor.behave(FAILING, "refuse")
        self._vendor.behave(KILLED, "hang", "now")
        backfill = self._launch(FIRST)
        self._until(backfill, FIRST, lambda: self._vendor.submissions[KILLED] == 1)
        killed = self._kill_run_of(KILLED)
        self._until(backfill, FIRST, lambda: self._settled_but_for(PARKED))
        self._claim_parked(backfill)
        self._vendor.finish(PARKED)
        self._until(backfill, FIRST, lambda: self._ended(backfill))
        self._claim_ended(backfill)
        run = self._instance.get_run_by_id(killed)
        failed = run is not None and run.status is dg.DagsterRunStatus.FAILURE
        self.claims.holds(
            "the kill ended its run before the run was done", failed, run and run.status
        )
        self._print_failures()

    def cancelled(self) -> None:
        """Cancel a backfill in the web interface while its jobs run."""
        backfill = self._launch(SECOND)
        self._until(backfill, SECOND, lambda: len(waiting(self._instance)) == len(SECOND))
        self._server.cancel_backfill(backfill)
        self._until(backfill, SECOND, lambda: self._ended(backfill))
        status = self._server.backfill_status(backfill)
        self.claims.holds("the second backfill ended as cancelled", status == "CANCELED", status)
        held = self._held()
        self.claims.holds("no run stays held", not held, held)
        self.claims.holds(
            "no run is left", not unfinished(self._instance), unfinished(self._instance)
        )
        marked = [(UnitState.RUNNING, True)] * len(SECOND)
        self._until(backfill, SECOND, lambda: self._units(SECOND) == marked)
        states = self._phase_states(SECOND)
        cancelled = set(states.values()) == {"cancelled"}
        self.claims.holds(
            "jobs that cannot be cancelled are orphaned, their phases cancelled", cancelled, states
        )
        runs = self._instance.get_runs_count()
        for key in SECOND:
            self._vendor.finish(key)
        settled = [(UnitState.SETTLED, True)] * len(SECOND)
        self._until(backfill, SECOND, lambda: self._units(SECOND) == settled)
        started = self._instance.get_runs_count() - runs
        self.claims.holds("their usage is recorded, and no run starts", started == 0, started)

    def cancelled_by_the_command(self) -> None:
        """Cancel a backfill by `video-pipeline cancel`, with a vendor that cancels jobs."""
        self._vendor.stops_jobs = True
        backfill = self._launch(THIRD)
        self._until(backfill, THIRD, lambda: len(waiting(self._instance)) == len(THIRD))
        named = ["--config", self._environment["VIDEO_PIPELINE_CONFIG"]]
        ended = subprocess.run(
            [sys.executable, "-m", "video_pipeline.cli.main", *named, "cancel", backfill],
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
        )
        print(ended.stdout, ended.stderr)
        told = ended.stdout.strip().splitlines()[-1:]
        said = ended.returncode == 0 and "Parked jobs handled: 1" in "".join(told)
        self.claims.holds("the command says so", said, told)
        units = self._units(THIRD)
        self.claims.holds("its job is stopped", units == [(UnitState.CANCELLED, False)], units)
        self.claims.holds(
            "no run is left", not unfinished(self._instance), unfinished(self._instance)
        )

    def _units(self, keys: Sequence[str]) -> list[tuple[UnitState, bool]]:
        """Return state and orphaned flag of the videos' work units."""
        with closing(connect(self._environment["MONGODB_URI"], "video_pipeline")) as catalog:
            return [
                (unit.state, unit.unwanted)
                for key in map(VideoKey.parse, keys)
                for unit in catalog.project(key.project).units.of_video(key.video)
            ]

    def _phase_states(self, keys: Sequence[str]) -> dict[str, str]:
        with closing(connect(self._environment["MONGODB_URI"], "video_pipeline")) as catalog:
            return {
                str(key): str(
                    catalog.project(key.project).results.statuses(key.video)[Phase.SHOTS].state
                )
                for key in map(VideoKey.parse, keys)
            }

    def _claim_parked(self, backfill: str) -> None:
        runs = executing(self._instance)
        self.claims.holds("while parked, 0 runs execute", not runs, len(runs))
        status = self._server.backfill_status(backfill)
        self.claims.holds(
            "while parked, the backfill is in progress", status == "REQUESTED", status
        )
        for asset in ("shots", "timeline"):
            shown = self._server.partition_states(asset).get(PARKED)
            self.claims.holds(
                f"{asset} of the parked video is in progress", shown == "in progress", shown
            )

    def _claim_ended(self, backfill: str) -> None:
        good = {DONE: "materialized", PARKED: "materialized", KILLED: "materialized"}
        for asset in ("shots", "timeline", "exports"):
            shown = self._server.partition_states(asset)
            expected = good | {FAILING: "failed"}
            self.claims.holds(f"{asset}: three materialized, one failed", shown == expected, shown)
            counts = self._server.backfill_counts(backfill, asset)
            self.claims.holds(
                f"{asset}: the backfill counts one failure", counts == (3, 1, 0), counts
            )
        shown = self._server.partition_states("audio")
        all_made = dict.fromkeys(FIRST, "materialized")
        self.claims.holds("audio: not touched by the failure", shown == all_made, shown)
        status = self._server.backfill_status(backfill)
        self.claims.holds(
            "the backfill ended as completed, with the failure",
            status == "COMPLETED_FAILED",
            status,
        )
        billed = {key: self._vendor.billed[key] for key in (DONE, PARKED, KILLED)}
        self.claims.holds("the vendor billed every job once", set(billed.values()) == {1}, billed)

    def _print_failures(self) -> None:
        """Print the errors of failed runs as the web interface shows them."""
        for run in self._instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])):
            logged = self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
            for entry in logged:
                data = entry.dagster_event.step_failure_data if entry.dagster_event else None
                error = data.error if data else None
                print(f"failed: {error.message.strip() if error else entry.user_message}")

    def _launch(self, partitions: tuple[str, ...]) -> str:
        backfill = self._server.launch_backfill([phase.value for phase in PHASES], partitions)
        print(f"\nbackfill {backfill} of {', '.join(partitions)}")
        return backfill

    def _until(self, backfill: str, partitions: tuple[str, ...], there: Callable[[], bool]) -> None:
        """Wait for a condition. Raises TimeoutError if it is not met in time."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while not there():
            if time.monotonic() > until:
                raise TimeoutError(f"still waiting after {_PATIENCE_SECONDS} s: {self._last}")
            self._show(backfill, partitions)
            time.sleep(1)
        self._show(backfill, partitions)

    def _show(self, backfill: str, partitions: tuple[str, ...]) -> None:
        shots, timelines = (self._server.partition_states(a) for a in ("shots", "timeline"))
        states = "  ".join(
            f"{key.partition('/')[2]}: {shots.get(key, '-')}/{timelines.get(key, '-')}"
            for key in partitions
        )
        at_work = len(executing(self._instance))
        now = f"{self._server.backfill_status(backfill):16} executing {at_work}  "
        if now + states != self._last:
            self._last = now + states
            print(f"{time.monotonic() - self._began:5.0f} s  {self._last}", flush=True)

    def _settled_but_for(self, parked: str) -> bool:
        shown = self._server.partition_states("timeline")
        others = {key: state for key, state in shown.items() if key in FIRST and key != parked}
        quiet = not executing(self._instance) and parked in self._held()
        return quiet and len(others) == 3 and "in progress" not in others.values()

    def _ended(self, backfill: str) -> bool:
        under_way = ("REQUESTED", "CANCELING", "COMPLETING", "FAILING")
        return self._server.backfill_status(backfill) not in under_way

    def _kill_run_of(self, key: str) -> str:
        """Kill the process of a partition's run, and return the run's id."""
        run = self._instance.get_runs(
            dg.RunsFilter(statuses=AT_WORK, tags={"dagster/partition": key}), limit=1
        )[0]
        logged = self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)
        process = next(e.dagster_event.pid for e in logged if e.dagster_event)
        assert process is not None and process != os.getpid()
        print(f"kill -9 {process}: the process of run {run.run_id}", flush=True)
        os.kill(process, signal.SIGKILL)
        return run.run_id

    def _held(self) -> Sequence[str]:
        return [run.partition for run in waiting(self._instance)]
