"""The table of faults between the AWS plugins and their services."""

from pathlib import Path

from video_pipeline.catalog.catalog import Catalog
from video_pipeline_tests.providers.aws.fault_table import rows_at
from video_pipeline_tests.servers.buckets import Servers


def test_each_fault_has_its_outcome_and_is_paid_once(
    catalog: Catalog, servers: Servers, tmp_path: Path
) -> None:
    rows = rows_at(catalog, servers["moto"], tmp_path)
    assert {row.provider for row in rows} == {"aws-rekognition", "aws-transcribe"}
    assert [row for row in rows if row.outcome != row.expected] == []
