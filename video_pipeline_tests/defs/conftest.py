"""A Dagster instance under the project's dagster.yaml, and a deployment of real parts."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from video_pipeline.catalog.interface import Catalog
from video_pipeline.definitions import build_defs
from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.media.child import ChildMediaReader
from video_pipeline.pipeline.choices import Choices
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import load_settings
from video_pipeline.storage.folder import FolderIngest, FolderOutputs
from video_pipeline_tests.stage.opened import Opened

ROOT = Path(__file__).resolve().parents[2]
KEY = "acme/talk"


@pytest.fixture
def stage(catalog: Catalog, tmp_path: Path) -> Opened:
    """Real stores and a real catalogue, without a provider."""
    for name in ("ingest", "outputs", "scratch"):
        (tmp_path / name).mkdir()
    return Opened(
        Services(
            catalog=catalog,
            ingest=FolderIngest(tmp_path / "ingest"),
            outputs=FolderOutputs(tmp_path / "outputs"),
            media=ChildMediaReader(),
            plugins={},
            choices=Choices(),
            scratch=tmp_path / "scratch",
        )
    )


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance that queues as the project's own does, with the partition of one video."""
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(ROOT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.add_dynamic_partitions(VIDEOS_NAME, [KEY])
        yield instance


@pytest.fixture
def definitions(stage: Opened) -> dg.Definitions:
    """The definitions of the checkout's pipeline.yaml over the stage."""
    return build_defs(load_settings(ROOT / "pipeline.yaml", {}), {"pipeline": stage})
