"""Jobs that nobody asks for any more are brought to an end, and what they cost is counted."""

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
from video_pipeline.pipeline.sweep.round import sweep
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
Choosing = Callable[..., Services]


@pytest.fixture
def parked(services: Services, deliver: Deliver, vendor: Vendor) -> VideoKey:
    """A video whose shots are a running job, which another project has too."""
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


def test_of_an_older_version_an_ended_job_is_settled_and_the_new_one_asked_for(
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


def test_a_job_that_still_runs_is_closed_once_it_has_ended(
    services: Services, choosing: Choosing, parked: VideoKey, vendor: Vendor
) -> None:
    other = choosing(Phase.SHOTS, "without-token")
    vendor.behave("acme/one", "now")
    assert analyse(other, parked, [Phase.SHOTS])[Phase.SHOTS].provider == "without-token"
    assert states(services) == [UnitState.RUNNING, UnitState.SETTLED]
    vendor.finish("acme/one")
    assert analyse(other, parked, [Phase.SHOTS])[Phase.SHOTS].reused
    assert states(services) == [UnitState.SETTLED, UnitState.SETTLED]


def test_what_another_phase_waits_for_is_left_alone(
    services: Services, choosing: Choosing, parked: VideoKey
) -> None:
    analyse(choosing(Phase.SHOTS, "without-token"), parked, [Phase.AUDIO])
    assert states(services) == [UnitState.RUNNING]


def test_a_job_whose_provider_is_gone_is_ended_and_counted(
    services: Services, parked: VideoKey
) -> None:
    without = replace(services, plugins={"speech": services.plugins["speech"]})
    later = services.clock() + timedelta(seconds=60)
    assert {u.request.key.project for u in sweep(without, later)} == {"acme", "globex"}
    analyse(without, parked, [Phase.SHOTS])
    (unit,) = services.of("acme").units.of_video("one")
    assert unit.state is UnitState.CANCELLED and unit.settled == unit.planned
    assert unit.failure and "no longer in pipeline.yaml" in unit.failure.message


def test_a_plugin_that_breaks_does_not_hold_up_the_jobs_of_others(
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
