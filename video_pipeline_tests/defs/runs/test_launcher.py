"""The check of a run's process, which does not need the code server that started it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import cast

import dagster as dg
import psutil
import pytest

# What the launcher returns to run monitoring; see launcher.py.
from dagster._core.launcher.base import WorkerStatus

from video_pipeline.defs.runs.launcher import WatchedRunLauncher

LOCAL = {"dagster/grpc_info": '{"host": "localhost", "socket": "/tmp/gone"}'}
ELSEWHERE = {"dagster/grpc_info": '{"host": "code.example", "port": 4000}'}
Started = Callable[[int, dict[str, str]], WorkerStatus]


@pytest.fixture
def status(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Started:
    """Return the status of a run that a process of this id has started."""

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
    """Return the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_living_process_is_running(status: Started) -> None:
    assert status(os.getpid(), LOCAL) is WorkerStatus.RUNNING


def test_ended_process_is_not_found(status: Started, ended: int) -> None:
    assert status(ended, LOCAL) is WorkerStatus.NOT_FOUND


def test_zombie_is_not_found(status: Started) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.read() == b"", "it has ended, and is not waited for"
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    found = status(process.pid, LOCAL)
    process.wait()
    process.stdout.close()
    assert found is WorkerStatus.NOT_FOUND


def test_process_elsewhere_counts_as_running(status: Started, ended: int) -> None:
    assert status(ended, ELSEWHERE) is WorkerStatus.RUNNING
    assert status(ended, {}) is WorkerStatus.RUNNING
