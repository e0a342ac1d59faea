"""Shots of real and drawn videos: to the frame, where the truth is known to the frame."""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import WorkRequest
from video_pipeline.plugins.conformance import TemporalConformance
from video_pipeline.plugins.inputs import FrameBatch
from video_pipeline.providers.local.shots.pyscenedetect import (
    PySceneDetectOptions,
    PySceneDetectPlugin,
)
from video_pipeline.samples import drawn, footage, truth_of

FindShots = Callable[..., Any]
RequestFor = Callable[[Phase], WorkRequest]

BIKES, BUNNY = footage()
TALK, TRAILER = drawn()


class TestConformance(TemporalConformance):
    @pytest.fixture(params=["adaptive", "content"])
    def plugin(self, request: pytest.FixtureRequest) -> PySceneDetectPlugin:
        return PySceneDetectPlugin(PySceneDetectOptions(detector=request.param))


@pytest.mark.parametrize(
    ("video", "boundaries"),
    [
        pytest.param(BIKES, [30, 76, 137, 187, 242], id="hard cuts of a street"),
        pytest.param(BUNNY, [], id="one shot with a moving camera"),
        pytest.param(TALK, [86, 280, 375, 555], id="slides"),
    ],
)
def test_hard_cuts_are_found_to_the_frame(
    find_shots: FindShots, video: Path, boundaries: list[int]
) -> None:
    assert find_shots(video).boundaries == boundaries


@pytest.mark.parametrize("video", [TALK, TRAILER], ids=lambda video: video.stem)
def test_every_transition_is_found_once_and_a_flash_is_none(
    find_shots: FindShots, video: Path
) -> None:
    truth = truth_of(video)
    found = find_shots(video)
    assert len(found.starts) == truth.frames
    assert len(found.boundaries) == len(truth.transitions)
    for frame, transition in zip(found.boundaries, truth.transitions, strict=True):
        assert transition.first <= frame < transition.after


def test_shots_are_contiguous_over_the_whole_video(
    find_shots: FindShots,
) -> None:
    found = find_shots(TRAILER)
    ranges = [marker.range for marker in found.markers]
    assert ranges[0].start == 0
    assert ranges[-1].end == found.media.video.duration == Fraction(541 * 1001, 30_000)
    assert all(before.end == after.start for before, after in pairwise(ranges))
    assert all(marker.kind == "shot" and marker.confidence is None for marker in found.markers)


def test_without_gradual_changes_only_hard_cuts_are_found(find_shots: FindShots) -> None:
    plugin = PySceneDetectPlugin(PySceneDetectOptions(gradual=False))
    assert find_shots(TRAILER, plugin).boundaries == [97, 433]


def test_the_content_detector_finds_the_same_hard_cuts(find_shots: FindShots) -> None:
    plugin = PySceneDetectPlugin(PySceneDetectOptions(detector="content", gradual=False))
    assert find_shots(BIKES, plugin).boundaries == [30, 76, 137, 187, 242]


def test_no_shot_is_shorter_than_the_least_length(find_shots: FindShots) -> None:
    plugin = PySceneDetectPlugin(PySceneDetectOptions(min_shot_frames=60))
    assert find_shots(BIKES, plugin).boundaries == [76, 137, 242]


class TestMoreFootage:
    """Labelled by eye: a boundary counts within two frames of its label."""

    def test_a_dissolve_and_a_hard_cut(self, find_shots: FindShots, more_footage: Path) -> None:
        dissolve, cut = find_shots(more_footage / "nasa-webb.mp4").boundaries
        assert 127 <= dissolve <= 151
        assert abs(cut - 202) <= 2

    def test_a_fade_in_is_no_boundary(self, find_shots: FindShots, more_footage: Path) -> None:
        found = find_shots(more_footage / "big-buck-bunny-30s.webm").boundaries
        assert len(found) == 3
        assert all(abs(a - b) <= 2 for a, b in zip(found, (283, 376, 551), strict=True))

    def test_a_talk_in_one_shot(self, find_shots: FindShots, more_footage: Path) -> None:
        assert find_shots(more_footage / "banana-talk.mp4").boundaries == []


def _batch(pixels: Any, pts: list[int], time_base: Fraction) -> FrameBatch:
    return FrameBatch(np.asarray(pixels, np.uint8), np.array(pts), time_base, first=0)


@pytest.fixture
def checkerboard() -> Any:
    """A picture with something to see."""
    return np.kron(np.indices((9, 16)).sum(0) % 2, np.ones((16, 16)))[..., None].repeat(3, -1) * 200


def test_times_are_those_of_the_frames_where_the_rate_varies(
    request_for: RequestFor, media: MediaInfo, checkerboard: Any
) -> None:
    pixels = [checkerboard] * 12 + [230 - checkerboard] * 12
    pts = [0, 1, 5, 6, 7, 20, 21, 22, 30, 31, 32, 40, 77, *range(80, 91)]
    plugin, request = PySceneDetectPlugin(), request_for(Phase.SHOTS)
    stream = plugin.start(request, media)
    stream.feed(_batch(pixels, pts, Fraction(1, 90)))
    first, second = plugin.normalise(request, media, stream.finish(Fraction(91, 90)))
    assert (first.range.start, first.range.end) == (0, Fraction(77, 90))
    assert (second.range.start, second.range.end) == (Fraction(77, 90), Fraction(91, 90))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_very_short_video_is_at_most_one_shot(
    request_for: RequestFor, media: MediaInfo, checkerboard: Any, count: int
) -> None:
    plugin, request = PySceneDetectPlugin(), request_for(Phase.SHOTS)
    stream = plugin.start(request, media)
    if count:
        stream.feed(_batch([checkerboard] * count, list(range(count)), Fraction(1, 25)))
    shots = list(plugin.normalise(request, media, stream.finish(Fraction(count, 25))))
    assert len(shots) == min(count, 1)


def test_shots_end_with_the_video_before_a_long_last_frame(
    request_for: RequestFor, media: MediaInfo
) -> None:
    page = b'{"frames": 2, "end": "99", "boundaries": []}'
    (shot,) = PySceneDetectPlugin().normalise(request_for(Phase.SHOTS), media, [page])
    assert shot.range == media.extent


def test_two_pages_are_malformed(request_for: RequestFor, media: MediaInfo) -> None:
    page = b'{"frames": 2, "end": "1", "boundaries": []}'
    with pytest.raises(ProviderError) as refused:
        list(PySceneDetectPlugin().normalise(request_for(Phase.SHOTS), media, [page, page]))
    assert refused.value.category is FailureCategory.MALFORMED_RESULT
