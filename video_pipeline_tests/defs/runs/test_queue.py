"""The queue of dagster.yaml: the tags of queued runs, and which runs may run together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest
import yaml

# How Dagster reads tag limits; verified with 1.13.27. Ends when `dagster` exports it.
from dagster._utils.tags import TagConcurrencyLimitsCounter

from video_pipeline.defs.runs.launcher import WatchedRunLauncher
from video_pipeline.defs.runs.queue import ProjectRunQueue
from video_pipeline_tests.defs.opened import LAUNCHED_FROM

ROOT = Path(__file__).resolve().parents[3]
Submitted = Callable[[dict[str, str]], dg.DagsterRun]


@pytest.fixture
def submitted(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Submitted:
    """Return a submitted run with these tags."""

    def submitted(tags: dict[str, str]) -> dg.DagsterRun:
        job = definitions.resolve_job_def("ingest_video")
        run = instance.create_run_for_job(job, tags=tags, remote_job_origin=LAUNCHED_FROM)
        instance.run_coordinator.submit_run(dg.SubmitRunContext(run, cast(Any, None)))
        found = instance.get_run_by_id(run.run_id)
        assert found is not None
        return found

    return submitted


class TestSubmitting:
    def test_run_of_a_video_is_tagged(self, submitted: Submitted) -> None:
        run = submitted({"dagster/partition": "globex/talk"})
        assert run.status is dg.DagsterRunStatus.QUEUED
        assert run.tags["video_pipeline/project"] == "globex"

    def test_tag_of_another_project_is_replaced(self, submitted: Submitted) -> None:
        run = submitted({"dagster/partition": "globex/talk", "video_pipeline/project": "acme"})
        assert run.tags["video_pipeline/project"] == "globex"

    @pytest.mark.parametrize("tags", [{}, {"dagster/partition": "2026-11-23"}])
    def test_other_run_is_not_tagged(self, submitted: Submitted, tags: dict[str, str]) -> None:
        run = submitted(tags)
        assert run.status is dg.DagsterRunStatus.QUEUED
        assert not [tag for tag in run.tags if tag.startswith("video_pipeline/")]


class TestLimits:
    """Dagster's own counter over the limits of dagster.yaml."""

    def may_start(self, submitted: Submitted, beside: str, key: str, per_project: int) -> bool:
        written = yaml.safe_load((ROOT / "dagster.yaml").read_text())
        limits = written["run_coordinator"]["config"]["tag_concurrency_limits"]
        for limit in limits:
            if limit["key"] == "video_pipeline/project":
                limit["limit"] = per_project
        running = submitted({"dagster/partition": beside})
        counter = TagConcurrencyLimitsCounter(limits, [running])
        return not counter.is_blocked(submitted({"dagster/partition": key}))

    def test_another_project_starts(self, submitted: Submitted) -> None:
        assert self.may_start(submitted, "acme/talk", "globex/talk", per_project=1)

    def test_same_project_starts_below_its_limit(self, submitted: Submitted) -> None:
        assert not self.may_start(submitted, "acme/talk", "acme/other", per_project=1)
        assert self.may_start(submitted, "acme/talk", "acme/other", per_project=2)

    def test_same_video_never_starts_twice(self, submitted: Submitted) -> None:
        assert not self.may_start(submitted, "acme/talk", "acme/talk", per_project=2)


def test_old_module_paths_load(tmp_path: Path) -> None:
    written = (ROOT / "dagster.yaml").read_text()
    for new, old in (("runs.queue", "run_queue"), ("runs.launcher", "run_launcher")):
        assert f"video_pipeline.defs.{new}\n" in written
        written = written.replace(f"video_pipeline.defs.{new}", f"video_pipeline.defs.{old}")
    (tmp_path / "dagster.yaml").write_text(written)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert isinstance(instance.run_coordinator, ProjectRunQueue)
        assert isinstance(instance.run_launcher, WatchedRunLauncher)
