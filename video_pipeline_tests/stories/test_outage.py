"""An outage of MongoDB during an analysis fails no phase, and no job is paid twice."""

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.server.embedded import EmbeddedServer
from video_pipeline.catalog.server.mongod import Mongod
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.delivery import delivered
from video_pipeline_tests.doubles.vendor import Vendor


@pytest.fixture(scope="module")
def mongo() -> Iterator[tuple[EmbeddedServer, Path]]:
    """A MongoDB that these tests may kill."""
    with tempfile.TemporaryDirectory(prefix="outage-") as name:
        server = EmbeddedServer(Path(name) / "mongo")
        with server:
            yield server, Path(name) / "mongo"


@contextmanager
def killed_at(
    step: str, services: Services, mongo: tuple[EmbeddedServer, Path], patience: float
) -> Iterator[tuple[Services, threading.Event]]:
    """Yield services whose MongoDB is killed at a step, and an event that restarts it."""
    server, folder = mongo
    uri, back = server.acquire(), threading.Event()
    watcher = threading.Thread(target=lambda: (back.wait(60), server.acquire()))

    def on_step(name: str) -> None:
        if name == step and not watcher.ident:
            pid = Mongod(folder).pid()
            assert pid
            os.kill(pid, signal.SIGKILL)
            watcher.start()

    name = f"test-{step}-{patience:g}"
    with closing(connect(uri, name, patience_seconds=patience)) as catalog:
        yield replace(services, catalog=catalog, on_step=on_step), back
        assert watcher.ident
        back.set()
        watcher.join()


@pytest.mark.parametrize("step", ["opened", "submitting", "submitted", "stored", "published"])
def test_run_survives_restart_of_mongodb(
    services: Services,
    mongo: tuple[EmbeddedServer, Path],
    vendor: Vendor,
    tmp_path: Path,
    short_video: Path,
    step: str,
) -> None:
    vendor.default = "soon"
    with killed_at(step, services, mongo, patience=45) as (own, back):
        key = delivered(own, tmp_path / "ingest", "acme/one", short_video)
        back.set()
        ended = analyse(own, key, [Phase.SHOTS, Phase.AUDIO])
        assert {o.state for o in ended.values()} == {PhaseState.DONE}
        (unit,) = own.of("acme").units.of_video("one")
        assert (unit.state, unit.attempts) == (UnitState.SETTLED, 1)
        numbers = [event.sequence for event in own.of("acme").events.after(0)]
        assert numbers == list(range(1, len(numbers) + 1))
    assert vendor.billed == {"acme/one": 1}


@pytest.mark.parametrize("step", ["submitting", "submitted", "stored"])
def test_long_outage_fails_no_phase_and_costs_nothing(
    services: Services,
    mongo: tuple[EmbeddedServer, Path],
    vendor: Vendor,
    tmp_path: Path,
    short_video: Path,
    step: str,
) -> None:
    vendor.default = "now"
    with killed_at(step, services, mongo, patience=1) as (own, back):
        key = delivered(own, tmp_path / "ingest", "acme/one", short_video)
        with pytest.raises(CatalogUnavailable, match="no MongoDB answers"):
            analyse(own, key, [Phase.SHOTS, Phase.AUDIO])
        back.set()
        mongo[0].acquire()
        own = replace(own, holder="the next run")
        assert own.of("acme").results.statuses("one")[Phase.SHOTS].state is PhaseState.RUNNING
        ended = analyse(own, key, [Phase.SHOTS, Phase.AUDIO])
        assert {o.state for o in ended.values()} == {PhaseState.DONE}
        (unit,) = own.of("acme").units.of_video("one")
        assert unit.state is UnitState.SETTLED
    assert vendor.billed == {"acme/one": 1}
