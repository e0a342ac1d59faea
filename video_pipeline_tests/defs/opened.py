"""Stand-ins for what a deployment of Dagster gives: an open pipeline, an origin, backfills."""

from dataclasses import dataclass

import dagster as dg

# Verified with dagster 1.13.27: no public names. Ends when backfills and the origins of runs can
# be made by what `dagster` exports.
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings

LAUNCHED_FROM = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("video_pipeline"), "__repository__"),
    "ingest_video",
)
"""Where a run of the job `ingest_video` comes from that a deployment launched."""


@dataclass
class Opened:
    """Services that a fixture opened, in the place of the deployment that a run would open."""

    services: Services
    settings: Settings | None = None

    def renew(self) -> None:
        """Nothing changes here."""

    def close(self) -> None:
        """The fixture closes them."""


def add_backfill(
    instance: dg.DagsterInstance, name: str, status: BulkActionStatus = BulkActionStatus.CANCELED
) -> None:
    """Add a backfill of this id and status, cancelled by default."""
    instance.add_backfill(
        PartitionBackfill(
            backfill_id=name, status=status, from_failure=False, tags={}, backfill_timestamp=0.0
        )
    )
