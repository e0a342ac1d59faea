"""A full disk fails the phase with a remedy and leaves no partial file.

The run is repeated, and with free space it completes without a second payment.
"""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.local.folder import FolderOutputs
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB, full until `ballast` is deleted."""
    mounted = tmp_path / "tiny"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mounted)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    try:
        with pytest.raises(OSError, match="No space"), (mounted / "ballast").open("wb") as full:
            while True:
                full.write(bytes(4096))
                full.flush()
        yield mounted
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def states(ended: dict[Phase, Outcome]) -> set[PhaseState]:
    return {outcome.state for outcome in ended.values()}


@pytest.mark.parametrize("how", ["now", "soon"])
def test_full_output_disk_fails_and_recovers(
    services: Services, deliver: Deliver, vendor: Vendor, tiny: Path, how: str
) -> None:
    vendor.default = how  # type: ignore[assignment]
    own = replace(services, outputs=FolderOutputs(tiny))
    key = deliver("acme/one")
    asked = [Phase.SHOTS, Phase.AUDIO]
    ended = analyse(own, key, asked)
    assert states(ended) == {PhaseState.FAILED}
    for outcome in ended.values():
        assert outcome.passes
        assert "no space or quota is left" in outcome.message
        assert "Free some space" in outcome.message and "acme/videos/one" in outcome.message
    seen = [path for path in tiny.rglob("*") if path.is_file() and path.name != "ballast"]
    assert not seen
    (tiny / "ballast").unlink()
    assert states(analyse(own, key, asked)) == {PhaseState.DONE}
    assert vendor.billed == {"acme/one": 1}
    assert len(list(own.of("acme").results.markers("one"))) == 2


def test_full_scratch_disk_fails_and_recovers(
    services: Services, deliver: Deliver, tiny: Path
) -> None:
    own = replace(services, scratch=tiny)
    key = deliver("acme/one")
    (outcome,) = analyse(own, key, [Phase.AUDIO]).values()
    assert outcome.state is PhaseState.FAILED and outcome.passes
    assert "no space or quota is left for scratch files" in outcome.message
    assert "VIDEO_PIPELINE_HOME" in outcome.message
    assert [path.name for path in tiny.iterdir()] == ["ballast"]
    (tiny / "ballast").unlink()
    assert states(analyse(own, key, [Phase.AUDIO])) == {PhaseState.DONE}
