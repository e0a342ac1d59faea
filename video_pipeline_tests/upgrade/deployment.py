"""Today's code over a home: its sensors, Dagster's own queue, and runs executed in this process.

What a daemon does between them is done here, so that no process is waited for.
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
"""The name of the job that a video's run has today."""
_ORIGIN = LAUNCHED_FROM._replace(job_name=TODAY)


def code() -> dg.Definitions:
    """The code location: the definitions of the pipeline.yaml that the environment names."""
    return build_defs(load_settings())


class HereRunLauncher(dg.DefaultRunLauncher):
    """Executes a run as its own process would, but in this one."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Return once the run has ended. A run whose job cannot be loaded is marked as failed."""
        run = context.dagster_run
        location = ReconstructableRepository(ModuleCodePointer(__name__, code.__name__, None))
        job = location.get_reconstructable_job(run.job_name)
        with suppress(Exception):  # the event log has it, as in a process
            for _ in core_execute_run(job, run, self._instance, inject_env_vars=False):
                pass


@dataclass(frozen=True)
class _Workspace:
    """The part of a daemon's workspace that the queue looks at."""

    instance: dg.DagsterInstance

    def create_request_context(self) -> None:
        """Runs are executed here: no code location is asked."""


class Deployment:
    """What the daemon would do, step by step."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance, self._definitions = instance, code()
        self._repository = self._definitions.get_repository_def()
        self._workspace = cast(Any, _Workspace(instance))
        self._queue = QueuedRunCoordinatorDaemon(interval_seconds=1)
        self._cursor: str | None = None

    def round(self) -> None:
        """Evaluate each sensor once, submit what it requests, and launch what may be launched."""
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
        """Queue a run of today's job, once for each run key."""
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
