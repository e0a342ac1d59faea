"""Superseded jobs are closed, and their usage is counted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
Choosing = Callable[..., Services]


@pytest.fixture
def parked(services: Services, deliver: Deliver, vendor: Vendor) -> VideoKey:
    """A video with a running job for its shots; another project has the same."""
    for name in ("globex/one", "acme/one"):
        key = deliver(name)
        analyse(services, key, [Phase.SHOTS])
    return key


def states(services: Services, project: str = "acme") -> list[UnitState]:
    return [unit.state for unit in services.of(project).units.of_video("one")]


def deliver_anew(deliver: Deliver, short_video: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.mp4"
    changed.write_bytes(short_video.read_bytes() + b"\0\0\0\x08free")
    deliver("acme/one", changed)


def test_ended_job_of_older_version_is_settled(
    services: Services,
    parked: VideoKey,
    deliver: Deliver,
    vendor: Vendor,
    short_video: Path,
    tmp_path: Path,
) -> None:
    vendor.finish("acme/one")
    deliver_anew(deliver, short_video, tmp_path)
    assert analyse(services, parked, [Phase.SHOTS])[Phase.SHOTS].state is PhaseState.PARKED
    assert states(services) == [UnitState.SETTLED, UnitState.RUNNING]
    assert states(services, "globex") == [UnitState.RUNNING]
    older, _ = services.of("acme").units.of_video("one")
    assert older.settled == older.planned
    assert services.of("acme").results.get("one", Phase.SHOTS) is None


def test_superseded_running_job_closes_after_its_end(
    services: Services, choosing: Choosing, parked: VideoKey, vendor: Vendor
) -> None:
    other = choosing(Phase.SHOTS, "without-token")
    vendor.behave("acme/one", "now")
    assert analyse(other, parked, [Phase.SHOTS])[Phase.SHOTS].provider == "without-token"
    assert states(services) == [UnitState.RUNNING, UnitState.SETTLED]
    vendor.finish("acme/one")
    assert analyse(other, parked, [Phase.SHOTS])[Phase.SHOTS].reused
    assert states(services) == [UnitState.SETTLED, UnitState.SETTLED]


def test_unit_of_unrequested_phase_stays_open(
    services: Services, choosing: Choosing, parked: VideoKey
) -> None:
    analyse(choosing(Phase.SHOTS, "without-token"), parked, [Phase.AUDIO])
    assert states(services) == [UnitState.RUNNING]


def test_job_of_removed_provider_is_cancelled_and_counted(
    services: Services, parked: VideoKey
) -> None:
    without = replace(services, plugins={"speech": services.plugins["speech"]})
    later = services.clock() + timedelta(seconds=60)
    assert {u.request.key.project for u in sweep(without, later)} == {"acme", "globex"}
    analyse(without, parked, [Phase.SHOTS])
    (unit,) = services.of("acme").units.of_video("one")
    assert unit.state is UnitState.CANCELLED and unit.settled == unit.planned
    assert unit.failure and "no longer in pipeline.yaml" in unit.failure.message


def test_failing_poll_does_not_block_other_providers(
    services: Services, parked: VideoKey, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise KeyError("state")

    key = VideoKey.parse("acme/one")
    analyse(services, key, [Phase.SHOTS, Phase.TRANSCRIPT])
    vendor.finish("acme/one")
    monkeypatch.setattr(services.plugins["with-token"], "poll", breaks)
    ready = sweep(services, services.clock() + timedelta(seconds=60))
    assert [unit.request.provider for unit in ready] == ["speech"]
    assert analyse(services, key, [Phase.SHOTS])[Phase.SHOTS].state is PhaseState.PARKED
