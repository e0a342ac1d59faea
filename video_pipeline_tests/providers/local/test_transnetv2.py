"""Shots and transitions of real and drawn videos, and of what only looks like one."""

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo, VideoStream
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.time import FrameRate
from video_pipeline.domain.work import WorkRequest
from video_pipeline.plugins.conformance import TemporalConformance
from video_pipeline.plugins.inputs import FrameBatch
from video_pipeline.providers.local.shots.transnetv2 import TransNetV2Options, TransNetV2Plugin
from video_pipeline.samples import drawn, footage, truth_of

FindShots = Callable[..., Any]
Find = Callable[..., tuple[list[int], list[Marker]]]
Pixels = NDArray[np.uint8]

BIKES, BUNNY = footage()
TALK, TRAILER = drawn()
_RATE = 25


class TestConformance(TemporalConformance):
    @pytest.fixture
    def plugin(self) -> TransNetV2Plugin:
        return TransNetV2Plugin(TransNetV2Options())


@pytest.fixture
def plugin() -> TransNetV2Plugin:
    return TransNetV2Plugin(TransNetV2Options())


@pytest.mark.parametrize(
    ("video", "boundaries"),
    [
        pytest.param(BIKES, [30, 76, 137, 187, 242], id="hard cuts of a street"),
        pytest.param(BUNNY, [], id="one shot with a moving camera"),
        pytest.param(TALK, [86, 280, 375, 555], id="slides"),
    ],
)
def test_hard_cuts_are_found_to_the_frame(
    find_shots: FindShots, plugin: TransNetV2Plugin, video: Path, boundaries: list[int]
) -> None:
    found = find_shots(video, plugin)
    assert found.boundaries == boundaries
    assert [marker for marker in found.markers if marker.kind == "transition"] == []


def test_gradual_changes_are_found_with_their_range(
    find_shots: FindShots, plugin: TransNetV2Plugin
) -> None:
    truth, found = truth_of(TRAILER), find_shots(TRAILER, plugin)
    assert len(found.boundaries) == len(truth.transitions)
    for frame, one in zip(found.boundaries, truth.transitions, strict=True):
        assert one.first <= frame < one.after
    changes = [one for one in truth.transitions if one.kind != "cut"]
    markers = [marker for marker in found.markers if marker.kind == "transition"]
    assert [marker.label for marker in markers] == [one.kind for one in changes]
    for marker, one in zip(markers, changes, strict=True):
        # The truth of a fade is where its new shot may begin: between the first and last change.
        assert found.starts.index(marker.range.start) <= one.first + 3
        assert found.starts.index(marker.range.end) >= one.after - 3


def test_shots_are_contiguous_beside_the_transitions(
    find_shots: FindShots, plugin: TransNetV2Plugin
) -> None:
    found = find_shots(TRAILER, plugin)
    ranges = [marker.range for marker in found.markers if marker.kind == "shot"]
    assert ranges[0].start == 0 and ranges[-1].end == found.media.video.duration
    assert all(before.end == after.start for before, after in pairwise(ranges))
    starts = [marker.range.start for marker in found.markers]
    assert starts == sorted(starts)


class TestMoreFootage:
    """Labelled by eye: a boundary counts within two frames of its label."""

    @pytest.mark.parametrize(
        ("name", "labels"),
        [
            pytest.param("nasa-webb.mp4", [(127, 151), (202, 202)], id="dissolve and cut"),
            pytest.param(
                "big-buck-bunny-30s.webm", [(283, 283), (376, 376), (551, 551)], id="fade in"
            ),
            pytest.param("banana-talk.mp4", [], id="a talk in one shot"),
        ],
    )
    def test_boundaries_are_those_of_the_labels(
        self,
        find_shots: FindShots,
        plugin: TransNetV2Plugin,
        more_footage: Path,
        name: str,
        labels: list[tuple[int, int]],
    ) -> None:
        found = find_shots(more_footage / name, plugin).boundaries
        assert len(found) == len(labels)
        for frame, (first, last) in zip(found, labels, strict=True):
            assert first - 2 <= frame <= last + 2


@cache
def _shot(number: int) -> Pixels:
    """100 frames of a slow camera over a real picture, in BGR."""
    with av.open(str((BIKES, BUNNY)[number])) as container:
        frame = next(islice(container.decode(video=0), 50, None))
        still = np.asarray(frame.reformat(320, 180, "bgr24").to_ndarray(), np.uint8)
    return np.stack([still[18:162, 10 + n // 4 : 266 + n // 4] for n in range(100)])


def _dimmed(shot: Pixels, shares: NDArray[np.floating[Any]]) -> Pixels:
    return (shot * shares[:, None, None, None]).astype(np.uint8)


def _mixed(one: Pixels, other: Pixels) -> Pixels:
    share = (np.arange(1, len(one) + 1) / (len(one) + 1))[:, None, None, None]
    return (one * (1 - share) + other * share).astype(np.uint8)


def _oddities() -> list[Any]:
    one, other = _shot(0), _shot(1)
    black = np.zeros_like(one[:25])
    down, up = np.linspace(1, 0, 27)[1:-1], np.linspace(0, 1, 27)[1:-1]
    rows: dict[str, tuple[list[Pixels], list[tuple[int, int]], int]] = {
        "black within a shot": ([one[:50], black, one[50:]], [], 0),
        "flash": ([one[:50], black[:3] + 255, one[50:]], [], 0),
        "freeze": ([one[:50], np.repeat(one[50:51], 50, 0), one[50:]], [], 0),
        "gray": ([one.mean(3, keepdims=True).repeat(3, 3).astype(np.uint8)], [], 0),
        "black throughout": ([black, black], [], 0),
        "fade in at the start": ([black, _dimmed(one[:25], up), one[25:]], [], 1),
        "fade out at the end": ([one[:75], _dimmed(one[75:], down), black], [], 1),
        "fade out and in": (
            [one[:75], _dimmed(one[75:], down), black, _dimmed(other[:25], up), other[25:]],
            [(75, 149)],
            1,
        ),
        "black between two shots": ([one, black, other], [(100, 125)], 0),
        "dissolve": ([one[:84], _mixed(one[84:], other[:16]), other[16:]], [(84, 100)], 1),
        "slow dissolve": ([one[:50], _mixed(one[50:], other[:50]), other[50:]], [(50, 99)], 1),
    }
    strobe = one.copy()
    strobe[30:70:2] = other[30:70:2]
    rows["flicker between two shots"] = ([strobe], [], 0)
    return [pytest.param(*row, id=name) for name, row in rows.items()]


@pytest.fixture
def find(request_for: Callable[[Phase], WorkRequest], plugin: TransNetV2Plugin) -> Find:
    """Finds the boundaries and transitions of frames at a rate."""

    def run(frames: Pixels, rate: int = _RATE) -> tuple[list[int], list[Marker]]:
        duration = Fraction(max(1, len(frames)), rate)
        video = VideoStream(
            codec="h264",
            width=256,
            height=144,
            frame_rate=FrameRate(per_second=Fraction(rate)),
            time_base=Fraction(1, rate),
            duration=duration,
        )
        media = MediaInfo(
            container="mp4", size=1, sha256="0" * 64, duration=duration, video=video, audio=None
        )
        request = request_for(Phase.SHOTS)
        stream = plugin.start(request, media)
        for first in range(0, len(frames), 32):
            pixels = frames[first : first + 32]
            pts = np.arange(first, first + len(pixels))
            stream.feed(FrameBatch(pixels, pts, Fraction(1, rate), first))
        markers = list(plugin.normalise(request, media, stream.finish(duration)))
        shots = [int(m.range.start * rate) for m in markers if m.kind == "shot"]
        return shots[1:], [m for m in markers if m.kind == "transition"]

    return run


@pytest.mark.parametrize(("parts", "boundaries", "transitions"), _oddities())
def test_what_bounds_a_shot_and_what_does_not(
    find: Find, parts: list[Pixels], boundaries: list[tuple[int, int]], transitions: int
) -> None:
    found, gradual = find(np.concatenate(parts))
    assert len(found) == len(boundaries)
    for frame, (first, last) in zip(found, boundaries, strict=True):
        assert first <= frame <= last
    assert len(gradual) == transitions


@pytest.mark.parametrize("count", [0, 1, 2, 5])
@pytest.mark.parametrize("size", [(256, 144), (256, 456), (256, 2)], ids=str)
def test_very_short_video_is_at_most_one_shot(
    find: Find, count: int, size: tuple[int, int]
) -> None:
    width, height = size
    frames = np.random.default_rng(1).integers(0, 255, (count, height, width, 3)).astype(np.uint8)
    assert find(frames) == ([], [])


def test_cut_of_a_fast_video_is_found_to_the_frame(find: Find) -> None:
    fast = [np.repeat(_shot(n)[:24], 10, 0) for n in (0, 1)]
    flash = np.full_like(fast[0][:10], 255)
    frames = np.concatenate([fast[0][:103], flash, fast[0][103:243], fast[1]])
    assert find(frames, 240) == ([253 - 3], [])


def test_times_are_those_of_the_frames_where_the_rate_varies(
    plugin: TransNetV2Plugin, request_for: Callable[[Phase], WorkRequest], media: MediaInfo
) -> None:
    pixels = np.concatenate([_shot(0)[:12], _shot(1)[:12]])
    pts = np.array([0, 1, 5, 6, 7, 20, 21, 22, 30, 31, 32, 40, 77, *range(80, 91)])
    request = request_for(Phase.SHOTS)
    stream = plugin.start(request, media)
    stream.feed(FrameBatch(pixels, pts, Fraction(1, 90), first=0))
    first, second = plugin.normalise(request, media, stream.finish(Fraction(91, 90)))
    assert (first.range.start, first.range.end) == (0, Fraction(77, 90))
    assert (second.range.start, second.range.end) == (Fraction(77, 90), Fraction(91, 90))


def test_two_pages_are_malformed(
    plugin: TransNetV2Plugin, request_for: Callable[[Phase], WorkRequest], media: MediaInfo
) -> None:
    page = b'{"frames": 2, "end": "1", "boundaries": [], "transitions": []}'
    with pytest.raises(ProviderError) as refused:
        list(plugin.normalise(request_for(Phase.SHOTS), media, [page, page]))
    assert refused.value.category is FailureCategory.MALFORMED_RESULT
