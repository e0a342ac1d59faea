"""Runs of videos that were deleted before they started: they end without a failure."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from video_pipeline.defs.partitions import PARTITION_TAG, VIDEOS_NAME
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import Due, Removal
from video_pipeline.pipeline.arrivals.look import Looks, register_now
from video_pipeline.pipeline.arrivals.removal import finish
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.defs.opened import Opened

KEY = VideoKey.parse("acme/talk")
OBJECT = f"{KEY.prefix}talk.mp4"
Run = Callable[[], dg.ExecuteInProcessResult]


@pytest.fixture
def services(stage: Opened, tmp_path: Path) -> Services:
    """Return the services of a stage to which one video was delivered."""
    file = tmp_path / "ingest" / OBJECT
    file.parent.mkdir(parents=True)
    file.write_bytes(b"bytes")
    register_now(stage.services.ingest, stage.services.catalog, OBJECT, stage.services.clock())
    return stage.services


@pytest.fixture
def run(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Run:
    job = definitions.resolve_job_def("ingest_video")

    def run() -> dg.ExecuteInProcessResult:
        # By the tag, as in a run of the queue: the argument must be a present partition.
        tags = {PARTITION_TAG: str(KEY)}
        return job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)

    return run


def delete(services: Services, tmp_path: Path, *, noticed: bool) -> None:
    (tmp_path / "ingest" / OBJECT).unlink()
    if noticed:
        Looks(services, services.clock()).into(OBJECT)


def forget(services: Services) -> None:
    """Finish the removal under the policy that deletes all."""
    arrivals = services.of(KEY.project).arrivals
    (record,) = arrivals.due(Due.REMOVAL, 1)
    assert finish(arrivals, record, Removal.DELETE)


def said(result: dg.ExecuteInProcessResult) -> list[str]:
    return [
        str(event.asset_observation_data.asset_observation.metadata["reason"].value)
        for event in result.all_events
        if event.event_type is dg.DagsterEventType.ASSET_OBSERVATION
    ]


@pytest.mark.parametrize(
    ("noticed", "reason"), [(False, "is gone"), (True, "was removed from the ingest store")]
)
def test_run_of_gone_video_says_so_once(
    services: Services, run: Run, tmp_path: Path, noticed: bool, reason: str
) -> None:
    delete(services, tmp_path, noticed=noticed)
    result = run()
    assert result.success
    (told,) = said(result)
    assert reason in told
    statuses = services.of(KEY.project).results.statuses(KEY.video)
    assert {p: s.state for p, s in statuses.items()} == {Phase.SOURCE_VIDEO: PhaseState.CANCELLED}


def test_run_of_forgotten_video_leaves_no_trace(
    services: Services, run: Run, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    delete(services, tmp_path, noticed=True)
    forget(services)
    instance.delete_dynamic_partition(VIDEOS_NAME, str(KEY))
    result = run()
    assert result.success and not said(result)
    messages = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert sum("was deleted: nothing is left to be done" in message for message in messages) == 1
    assert not services.of(KEY.project).results.statuses(KEY.video)


def test_run_of_unknown_partition_fails(
    services: Services, run: Run, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    delete(services, tmp_path, noticed=True)
    forget(services)
    assert instance.has_dynamic_partition(VIDEOS_NAME, str(KEY)), "as one that a person added"
    assert not run().success
