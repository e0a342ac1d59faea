"""A Dagster instance by the project's dagster.yaml, and a deployment with a real catalogue."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.definitions import build_defs
from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import Source
from video_pipeline.domain.usage import Meter, Usage
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.pipeline.policies import Choices
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import load_settings
from video_pipeline.storage.local.folder import FolderIngest, FolderOutputs
from video_pipeline_tests.defs.opened import Opened
from video_pipeline_tests.defs.parked.completing import ended
from video_pipeline_tests.doubles.units import bring_to

ROOT = Path(__file__).resolve().parents[2]
KEY = "acme/talk"
TALK = VideoKey.parse(KEY)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def stage(catalog: Catalog, tmp_path: Path) -> Opened:
    """Return real stores and a real catalogue, without a provider."""
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
    """Return an instance with the project's queue and the partition of one video."""
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(ROOT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.add_dynamic_partitions(VIDEOS_NAME, [KEY])
        yield instance


@pytest.fixture
def only_bounded_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail what reads every partition key of the instance."""

    def read_all(*_: object) -> None:
        raise AssertionError("reads all partition keys: ask get_existing_dynamic_partitions")

    monkeypatch.setattr(dg.DagsterInstance, "get_dynamic_partitions", read_all)


@pytest.fixture
def definitions(stage: Opened) -> dg.Definitions:
    """Return the definitions of the checkout's pipeline.yaml over the stage."""
    return build_defs(load_settings(ROOT / "pipeline.yaml", {}), {"pipeline": stage})


@pytest.fixture
def job_of(catalog: Catalog) -> Callable[..., WorkUnit]:
    """Return a maker of running jobs at a vendor."""

    def job_of(
        key: VideoKey = TALK,
        phases: tuple[Phase, ...] = (Phase.TRANSCRIPT,),
        operation: str = "analyse",
    ) -> WorkUnit:
        source = Source(key=key, object_key=f"{key.prefix}v.mp4", name="v", version="1", size=1)
        catalog.project(key.project).videos.register(source, NOW)
        units = catalog.project(key.project).units
        usage = (Usage(meter=Meter.REQUESTS, quantity=Fraction(1), paid=True),)
        unit = units.open(_request(key, phases, operation), 0, usage, NOW)
        taken = units.claim(unit.id, "me", timedelta(0))
        assert taken is not None
        taken = units.begin(taken, NOW, parked=False)
        late = datetime(2999, 1, 1, tzinfo=UTC)
        return units.accept(taken, "7", NOW, late)

    return job_of


def _request(key: VideoKey, phases: tuple[Phase, ...], operation: str = "analyse") -> WorkRequest:
    return WorkRequest(
        key=key,
        content="0" * 64,
        provider="vendor",
        plugin="vendor",
        account="a",
        region="r",
        operation=operation,
        phases=phases,
        kinds=(),
        parameters={},
        model="",
    )


@pytest.fixture
def waiting_of(catalog: Catalog) -> Callable[..., WorkUnit]:
    """Return a maker of work units that wait to be submitted to a vendor."""

    def waiting_of(
        key: VideoKey = TALK, phases: tuple[Phase, ...] = (Phase.TRANSCRIPT,)
    ) -> WorkUnit:
        source = Source(key=key, object_key=f"{key.prefix}v.mp4", name="v", version="1", size=1)
        catalog.project(key.project).videos.register(source, NOW)
        units = catalog.project(key.project).units
        unit = units.open(_request(key, phases), 0, (), NOW)
        return bring_to(units, unit, UnitState.QUEUED, NOW)

    return waiting_of


@pytest.fixture
def running(job_of: Callable[..., WorkUnit]) -> WorkUnit:
    """Return a running job of the video."""
    return job_of()


@pytest.fixture
def ready(running: WorkUnit, catalog: Catalog) -> WorkUnit:
    """Return the work unit of a job that has ended."""
    return ended(catalog, running)
