"""Stand-ins for what a deployment of Dagster gives: an open pipeline, an origin, backfills."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg

# Verified with dagster 1.13.27: no public names. Ends when backfills and the origins of runs can
# be made by what `dagster` exports.
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings

# The origin of a run of `ingest_video` that a deployment launched.
LAUNCHED_FROM = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("video_pipeline"), "__repository__"),
    "ingest_video",
)


@dataclass
class Opened:
    """Services that a fixture has opened, instead of a deployment."""

    services: Services
    settings: Settings | None = None
    problem: ConfigurationError | None = None

    @contextmanager
    def opened(self) -> Generator[Services]:
        """Yield them for one tick; the fixture closes them."""
        yield self.services


def add_backfill(
    instance: dg.DagsterInstance, name: str, status: BulkActionStatus = BulkActionStatus.CANCELED
) -> None:
    """Add a backfill of this id and status, cancelled by default."""
    instance.add_backfill(
        PartitionBackfill(
            backfill_id=name, status=status, from_failure=False, tags={}, backfill_timestamp=0.0
        )
    )


def result_of(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    job: str,
    step: str,
    config: Mapping[str, Any],
    project: str = "acme",
) -> dict[str, Any]:
    """Run a job of a project, and return the result that the project's page shows."""
    ended = definitions.resolve_job_def(job).execute_in_process(
        instance=instance, partition_key=project, run_config={"ops": {step: {"config": config}}}
    )
    run = instance.get_run_by_id(ended.run_id)
    assert run is not None and run.tags["video_pipeline/project"] == project
    wanted = dg.AssetRecordsFilter(dg.AssetKey("project"), asset_partitions=[project])
    (seen, *_) = instance.fetch_observations(wanted, limit=1).records
    assert seen.run_id == ended.run_id and seen.asset_observation is not None
    return {name: value.value for name, value in seen.asset_observation.metadata.items()}
