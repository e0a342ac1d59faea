"""Dagster's daemon for one home, in this process: it ticks sensors, dequeues and executes runs.

The instance, its storage, the sensors and the job are real. Only the daemon's loop is replaced, so
that dozens of homes can be driven in a minute.
"""

import contextlib
import io
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import dagster as dg

# Verified with dagster 1.13.27: no public names. Ends when a queued run can be executed in this
# process by what `dagster` exports.
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from video_pipeline.dagster_api.tags import HELD_TAG, WAITING
from video_pipeline.defs.arrivals.sensor import arrivals
from video_pipeline.defs.parked.sensor import completions
from video_pipeline.defs.partitions import PARTITION_TAG
from video_pipeline_tests.defs.opened import LAUNCHED_FROM, Opened
from video_pipeline_tests.scenarios.support.executing import unfinished

_ROOT = Path(__file__).resolve().parents[3]
_RUN_KEY_TAG = "dagster/run_key"


class SmallDagster:
    """One home and its daemon."""

    def __init__(
        self,
        home: Path,
        definitions: dg.Definitions,
        opened: Opened,
        assets: Collection[dg.AssetKey],
    ) -> None:
        """A new home gets the project's dagster.yaml. A run of all assets makes only `assets`."""
        shutil.copy(_ROOT / "dagster.yaml", home)
        self._repository, self._opened = definitions.get_repository_def(), opened
        self._job = self._repository.get_job("ingest_video")
        self._assets = assets
        self._cursor = home / "arrivals-cursor.json"
        self._instance = dg.DagsterInstance.from_config(str(home))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._instance.dispose()

    def tick(self) -> int:
        """Tick both sensors once and execute the queue. Return how many runs were executed."""
        with contextlib.redirect_stderr(io.StringIO()):  # what Dagster logs
            self._tick_sensors()
            return self._execute_queue()

    def unfinished(self) -> int:
        """Return how many runs have not ended, including held ones."""
        return len(unfinished(self._instance))

    def queue(
        self,
        key: str,
        assets: Collection[dg.AssetKey] | None = None,
        config: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Queue a run of a video."""
        run = self._instance.create_run_for_job(
            self._repository.get_job("ingest_video"),
            run_config=dict(config or {}),
            asset_selection=frozenset(assets or self._assets),
            tags={PARTITION_TAG: key, **(tags or {})},
            remote_job_origin=LAUNCHED_FROM,
        )
        self._instance.report_dagster_event(dg.DagsterEvent.job_enqueue(run), run_id=run.run_id)

    def _tick_sensors(self) -> None:
        cursor = self._cursor.read_text() if self._cursor.exists() else None
        result = arrivals(self._context(cursor))
        self._request(result)
        if isinstance(result, dg.SensorResult) and result.cursor:
            self._cursor.write_text(result.cursor)
        self._request(completions(self._context(None)))

    def _context(self, cursor: str | None) -> dg.SensorEvaluationContext:
        return dg.build_sensor_context(
            instance=self._instance,
            cursor=cursor,
            repository_def=self._repository,
            resources={"pipeline": self._opened},
        )

    def _request(self, result: Any) -> None:
        """Queue the requested runs, each run key once."""
        for request in getattr(result, "run_requests", None) or ():
            tag = {_RUN_KEY_TAG: request.run_key}
            if not self._instance.get_runs(dg.RunsFilter(tags=tag), limit=1):
                assert request.partition_key is not None
                selected = request.asset_selection
                tags = {**request.tags, **tag}
                self.queue(request.partition_key, selected, request.run_config, tags)

    def _execute_queue(self) -> int:
        queued = self._instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
        due = [run for run in queued if run.tags.get(HELD_TAG) != WAITING]
        for run in reversed(due):  # oldest first
            self._execute(run)
        return len(due)

    def _execute(self, run: dg.DagsterRun) -> None:
        starting = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.PIPELINE_STARTING.value, job_name=run.job_name
        )
        self._instance.report_dagster_event(starting, run_id=run.run_id)
        started = self._instance.get_run_by_id(run.run_id)
        assert started is not None
        execute_run(_Job(self._job, self._repository), started, self._instance)


class _Job(InMemoryJob):
    """A job that knows its repository, as one that a code server has loaded."""

    def __init__(self, job: dg.JobDefinition, repository: dg.RepositoryDefinition) -> None:
        super().__init__(job)
        self._repository = repository

    def get_repository_definition(self) -> dg.RepositoryDefinition:
        return self._repository

    def get_subset(self, **selection: Any) -> "_Job":
        made = super().get_subset(**selection)
        return _Job(made.get_definition(), self._repository)
