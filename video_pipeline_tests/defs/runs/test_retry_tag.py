"""A run is made again where it failed by what it runs on, and only there."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import dagster as dg
import pytest
from dagster._core.execution.retries import auto_reexecution_should_retry_run

from video_pipeline.catalog.connection import connect
from video_pipeline.definitions import build_defs
from video_pipeline.domain.errors import MediaError, PipelineError, StorageFull
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.run_video import MAKERS
from video_pipeline.pipeline.source.probe import failed
from video_pipeline.settings import load_settings
from video_pipeline_tests.defs.conftest import KEY, ROOT
from video_pipeline_tests.defs.opened import Opened

Ended = Callable[[Opened], bool]
NOWHERE = "mongodb://127.0.0.1:1/"


@pytest.fixture
def made_again(instance: dg.DagsterInstance) -> Ended:
    """Runs the first step, which fails; whether Dagster makes its run again."""

    def made_again(stage: Opened) -> bool:
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
            instance, run, dg_reason(run.tags["dagster/failure_reason"])
        )

    return made_again


def dg_reason(told: str):
    from dagster._core.events import RunFailureReason

    return RunFailureReason(told)


@pytest.fixture
def without_catalog(stage: Opened) -> Iterator[Opened]:
    with closing(connect(NOWHERE, "any", timeout_seconds=0.1)) as catalog:
        yield Opened(replace(stage.services, catalog=catalog))


def test_a_run_without_a_catalogue_is(made_again: Ended, without_catalog: Opened) -> None:
    assert made_again(without_catalog)


@pytest.mark.parametrize(
    ("error", "again"),
    [(StorageFull("full", remedy="-"), True), (MediaError("no media", remedy="-"), False)],
    ids=["full", "bad"],
)
def test_a_run_whose_phase_failed_is_where_the_disk_was_full(
    made_again: Ended,
    stage: Opened,
    monkeypatch: pytest.MonkeyPatch,
    error: PipelineError,
    again: bool,
) -> None:
    monkeypatch.setitem(MAKERS, Phase.SOURCE_VIDEO, lambda *_: failed(Phase.SOURCE_VIDEO, error))
    assert made_again(stage) is again
