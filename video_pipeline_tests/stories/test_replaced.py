"""A source replaced or deleted during its run fails the run, and no result mixes versions.

The run of the newer version then makes all results.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
ASKED = (Phase.SHOTS, Phase.AUDIO)


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    return encode(tmp_path / "newer.mp4", seconds=3)


def contents(services: Services, key: VideoKey) -> set[str]:
    """Return the contents that the current results were made from."""
    found = (services.of(key.project).results.get(key.video, phase) for phase in Phase)
    return {r.provenance.content for r in found if r and r.provenance}


@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "replaced"])
def test_source_changed_between_arrival_and_run(
    services: Services,
    deliver: Deliver,
    vendor: Vendor,
    tmp_path: Path,
    newer: Path,
    gone: bool,
) -> None:
    key = deliver("acme/one", inspected=False)
    delivered = tmp_path / "ingest" / key.prefix / "video.mp4"
    delivered.unlink() if gone else delivered.write_bytes(newer.read_bytes())
    ended = run_video(services, key)
    assert list(ended) == [Phase.SOURCE_VIDEO]
    source = ended[Phase.SOURCE_VIDEO]
    assert source.state is (PhaseState.CANCELLED if gone else PhaseState.FAILED)
    assert not source.passes
    assert ("is gone" if gone else "newer version is processed") in source.message
    assert contents(services, key) == set()
    deliver("acme/one", newer, inspected=False)
    vendor.default = "now"
    assert run_video(services, key)[Phase.EXPORTS].state is PhaseState.DONE
    record = services.of("acme").videos.get("one")
    assert record and contents(services, key) == {record.sha256}


@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "replaced"])
def test_source_changed_between_probe_and_decode(
    services: Services, deliver: Deliver, tmp_path: Path, newer: Path, gone: bool
) -> None:
    key = deliver("acme/one")
    delivered = tmp_path / "ingest" / key.prefix / "video.mp4"
    delivered.unlink() if gone else delivered.write_bytes(newer.read_bytes())
    ended = analyse(services, key, [Phase.AUDIO])
    expected = PhaseState.CANCELLED if gone else PhaseState.FAILED
    assert {o.state for o in ended.values()} == {expected}
    for outcome in ended.values():
        assert ("is gone" if gone else "newer version is processed") in outcome.message
    assert services.of("acme").results.get("one", Phase.AUDIO) is None


@pytest.mark.parametrize("read", [False, True], ids=["arrived", "read"])
def test_source_replaced_between_answer_and_publication(
    services: Services, deliver: Deliver, vendor: Vendor, newer: Path, read: bool
) -> None:
    """The newer version has either only arrived, or was already read and probed by another run."""
    vendor.default = "now"
    key = deliver("acme/one")
    globex = deliver("globex/one")
    analyse(services, globex, ASKED)

    def on_step(name: str) -> None:
        if name == "stored":
            deliver("acme/one", newer, inspected=read)

    ended = analyse(replace(services, on_step=on_step), key, [Phase.SHOTS])
    assert ended[Phase.SHOTS].state is PhaseState.FAILED
    assert "a newer version arrived" in ended[Phase.SHOTS].message
    (unit,) = services.of("acme").units.of_video("one")
    assert unit.state is UnitState.SETTLED and unit.settled
    assert services.of("acme").results.get("one", Phase.SHOTS) is None
    made = run_video(services, key, phases=[Phase.SOURCE_VIDEO, Phase.MEDIA_INFO])
    assert all(outcome.state.good for outcome in made.values())
    assert {o.state for o in analyse(services, key, ASKED).values()} == {PhaseState.DONE}
    record = services.of("acme").videos.get("one")
    assert record and contents(services, key) == {record.sha256}
    assert vendor.billed == {"acme/one": 2, "globex/one": 1}


def test_late_run_of_older_version_keeps_newer_results(
    services: Services, deliver: Deliver, vendor: Vendor, newer: Path
) -> None:
    """The older version's job ends after the results of the newer version were published."""
    vendor.default = "now"
    key = deliver("acme/one")

    def on_step(name: str) -> None:
        if name == "stored" and not made:
            made.append(deliver("acme/one", newer))
            analyse(services, key, ASKED)

    made: list[VideoKey] = []
    ended = analyse(replace(services, on_step=on_step, holder="late"), key, [Phase.SHOTS])
    assert ended[Phase.SHOTS].state is PhaseState.FAILED
    record = services.of("acme").videos.get("one")
    shots = services.of("acme").results.get("one", Phase.SHOTS)
    assert record and shots and shots.provenance
    assert shots.provenance.content == record.sha256
    assert services.of("acme").results.statuses("one")[Phase.SHOTS].result == shots
