"""A run whose process has died is seen, also where the code server that started it died with it."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import cast

import dagster as dg
import pytest
from dagster._core.launcher.base import WorkerStatus

from video_pipeline.defs.runs.launcher import WatchedRunLauncher

LOCAL = {"dagster/grpc_info": '{"host": "localhost", "socket": "/tmp/gone"}'}
ELSEWHERE = {"dagster/grpc_info": '{"host": "code.example", "port": 4000}'}
Started = Callable[[int, dict[str, str]], WorkerStatus]


@pytest.fixture
def status(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Started:
    """What run monitoring is told of a run that a process has begun."""

    def status(pid: int, tags: dict[str, str]) -> WorkerStatus:
        job = definitions.resolve_job_def("ingest_video")
        run = instance.create_run_for_job(job, tags=tags)
        begun = dg.DagsterEvent(
            dg.DagsterEventType.RUN_START.value, job_name="ingest_video", message="", pid=pid
        )
        instance.report_dagster_event(begun, run.run_id)
        launcher = cast(WatchedRunLauncher, instance.run_launcher)
        assert launcher.supports_check_run_worker_health
        found = instance.get_run_by_id(run.run_id)
        assert found
        return launcher.check_run_worker_health(found).status

    return status


@pytest.fixture
def ended() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_one_that_lives_runs(status: Started) -> None:
    assert status(os.getpid(), LOCAL) is WorkerStatus.RUNNING


def test_one_that_has_ended_is_not_found(status: Started, ended: int) -> None:
    assert status(ended, LOCAL) is WorkerStatus.NOT_FOUND


def test_one_that_cannot_be_seen_from_here_is_left_alone(status: Started, ended: int) -> None:
    assert status(ended, ELSEWHERE) is WorkerStatus.RUNNING
    assert status(ended, {}) is WorkerStatus.RUNNING
