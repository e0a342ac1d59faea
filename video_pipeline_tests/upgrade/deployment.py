"""Today's code on an existing home: sensors, Dagster's run queue, and runs in this process.

It does the work of Dagster's daemon step by step, so that a test waits for no other process.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import dagster as dg
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher import LaunchRunContext
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import (
    QueuedRunCoordinatorDaemon,
)
from dagster._grpc.impl import core_execute_run

from video_pipeline.definitions import build_defs
from video_pipeline.defs.arrivals.sensor import arrivals
from video_pipeline.defs.jobs import ingest_video
from video_pipeline.defs.parked.sensor import completions
from video_pipeline.defs.runs.lost_retries_sensor import lost_retries
from video_pipeline.settings import load_settings
from video_pipeline_tests.defs.opened import LAUNCHED_FROM

TODAY = ingest_video.name
"""Today's name of the job that ingests a video."""
_ORIGIN = LAUNCHED_FROM._replace(job_name=TODAY)


def code() -> dg.Definitions:
    """Return the code location: the definitions for the environment's pipeline.yaml."""
    return build_defs(load_settings())


class HereRunLauncher(dg.DefaultRunLauncher):
    """Executes a run in this process, as a run's own process would."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Return once the run has ended. A run whose job cannot be loaded is marked as failed."""
        run = context.dagster_run
        location = ReconstructableRepository(ModuleCodePointer(__name__, code.__name__, None))
        job = location.get_reconstructable_job(run.job_name)
        with suppress(Exception):  # the error is in the event log, as in a separate process
            for _ in core_execute_run(job, run, self._instance, inject_env_vars=False):
                pass


@dataclass(frozen=True)
class _Workspace:
    """The attributes of a daemon's workspace that the run queue uses."""

    instance: dg.DagsterInstance

    def create_request_context(self) -> None:
        """Return None: runs are executed in this process, without a code location."""


class Deployment:
    """The work of Dagster's daemon, step by step."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance, self._definitions = instance, code()
        self._repository = self._definitions.get_repository_def()
        self._workspace = cast(Any, _Workspace(instance))
        self._queue = QueuedRunCoordinatorDaemon(interval_seconds=1)
        self._cursor: str | None = None

    def round(self) -> None:
        """Evaluate each sensor once, queue the requested runs, and launch those that may start."""
        for sensor in (arrivals, completions, lost_retries):
            with dg.build_sensor_context(
                instance=self._instance,
                cursor=self._cursor if sensor is arrivals else None,
                repository_def=self._repository,
                resources=self._definitions.resources,
            ) as context:
                ticked = cast(Any, sensor(context))
            if isinstance(ticked, dg.SensorResult):
                self._cursor = ticked.cursor if sensor is arrivals else self._cursor
                for request in ticked.run_requests or ():
                    self.submit(request)
        for _ in self._queue.run_iteration(self._workspace):
            pass

    def submit(self, request: dg.RunRequest) -> None:
        """Queue a run of today's job, unless a run with its run key exists."""
        key = {"dagster/run_key": request.run_key} if request.run_key else {}
        if key and self._instance.get_runs(dg.RunsFilter(tags=key), limit=1):
            return
        run = self._instance.create_run_for_job(
            self._repository.get_job(TODAY),
            run_config=request.run_config,
            asset_selection=frozenset(request.asset_selection) if request.asset_selection else None,
            tags={**request.tags, "dagster/partition": request.partition_key or "", **key},
            remote_job_origin=_ORIGIN,
        )
        self._instance.run_coordinator.submit_run(dg.SubmitRunContext(run, cast(Any, None)))
