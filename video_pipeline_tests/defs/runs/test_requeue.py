"""Which backfills count as cancelled."""

import dagster as dg
import pytest

# Verified with dagster 1.13.27: no public name. Ends when `dagster` exports the status.
from dagster._core.execution.backfill import BulkActionStatus

from video_pipeline.defs.runs.requeue import is_cancelled
from video_pipeline_tests.defs.opened import add_backfill


@pytest.mark.parametrize("status", list(BulkActionStatus))
def test_is_cancelled_of_each_status(
    instance: dg.DagsterInstance, status: BulkActionStatus
) -> None:
    add_backfill(instance, "b1", status)
    cancelled = {BulkActionStatus.CANCELED, BulkActionStatus.CANCELING}
    assert is_cancelled(instance, "b1") is (status in cancelled)


@pytest.mark.parametrize("backfill", [None, "deleted"])
def test_is_cancelled_without_backfill(instance: dg.DagsterInstance, backfill: str | None) -> None:
    assert not is_cancelled(instance, backfill)
