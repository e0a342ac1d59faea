"""A run is retried after a failure of its environment, and after no other."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import dagster as dg
import pytest

# How Dagster's daemon decides; see lost_retries_sensor.py.
from dagster._core.events import RunFailureReason
from dagster._core.execution.retries import auto_reexecution_should_retry_run

from video_pipeline.catalog.connection import connect
from video_pipeline.definitions import build_defs
from video_pipeline.domain.errors import MediaError, PipelineError, StorageFull
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.progress.outcome import failed
from video_pipeline.pipeline.run_video import MAKERS
from video_pipeline.settings import load_settings
from video_pipeline_tests.defs.conftest import KEY, ROOT
from video_pipeline_tests.defs.opened import Opened

Ended = Callable[[Opened], bool]
NOWHERE = "mongodb://127.0.0.1:1/"


@pytest.fixture
def is_retried(instance: dg.DagsterInstance) -> Ended:
    """Run the first step, which fails. Return whether Dagster retries the run."""

    def is_retried(stage: Opened) -> bool:
        settings = load_settings(ROOT / "pipeline.yaml", {})
        job = build_defs(settings, {"pipeline": stage}).resolve_job_def("ingest_video")
        ended = job.execute_in_process(
            instance=instance,
            partition_key=KEY,
            asset_selection=[dg.AssetKey("source_video")],
            raise_on_error=False,
        )
        run = instance.get_run_by_id(ended.run_id)
        assert run and run.status is dg.DagsterRunStatus.FAILURE
        return auto_reexecution_should_retry_run(
            instance, run, RunFailureReason(run.tags["dagster/failure_reason"])
        )

    return is_retried


@pytest.fixture
def without_catalog(stage: Opened) -> Iterator[Opened]:
    with closing(connect(NOWHERE, "any", timeout_seconds=0.1)) as catalog:
        yield Opened(replace(stage.services, catalog=catalog))


def test_run_without_mongodb_is_retried(is_retried: Ended, without_catalog: Opened) -> None:
    assert is_retried(without_catalog)


@pytest.mark.parametrize(
    ("error", "again"),
    [(StorageFull("full", remedy="-"), True), (MediaError("no media", remedy="-"), False)],
    ids=["full", "bad"],
)
def test_run_with_a_failed_phase_is_retried(
    is_retried: Ended,
    stage: Opened,
    monkeypatch: pytest.MonkeyPatch,
    error: PipelineError,
    again: bool,
) -> None:
    monkeypatch.setitem(MAKERS, Phase.SOURCE_VIDEO, lambda *_: failed(Phase.SOURCE_VIDEO, error))
    assert is_retried(stage) is again
