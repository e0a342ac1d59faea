"""Shots and boxes against drawn signals of the picture, as a table."""

from fractions import Fraction

import numpy as np
import pytest

from video_pipeline.domain.media import DecodedVideo
from video_pipeline.domain.results.markers import Box, Kind, Marker
from video_pipeline.domain.time import FrameRate
from video_pipeline.pipeline.truth.markers import MarkerWatch, in_frame
from video_pipeline.plugins.signals import CHANGE_LEVELS, PictureSignals
from video_pipeline_tests.pipeline.truth.talking import span

_RATE, _SECONDS = 25, 40


def _pictures(
    cuts: tuple[float, ...] = (),
    flashes: tuple[float, ...] = (),
    dissolves: tuple[float, ...] = (),
    moving: float = 0.5,
) -> PictureSignals:
    """Return a picture that moves by so many levels a frame, and jumps at cuts and flashes."""
    count = _RATE * _SECONDS
    change, second = np.full(count, moving), np.full(count, 4 * moving)
    for cut in cuts:
        frame = round(cut * _RATE)
        change[frame], second[frame : frame + _RATE] = 50, 50
    for flash in flashes:
        frame = round(flash * _RATE)
        change[frame : frame + 2], second[frame] = 60, 60
    for middle in dissolves:
        frame = round(middle * _RATE)
        change[frame - 12 : frame + 12], second[frame - 12 : frame + 30] = 1, 25
    end = Fraction(_SECONDS)
    rate = FrameRate(per_second=Fraction(_RATE))
    return PictureSignals(
        content="c" * 64,
        decoded=DecodedVideo(frames=count, frame_rate=rate, last=end - Fraction(1, _RATE), end=end),
        time_base=Fraction(1, _RATE),
        ticks=np.arange(count),
        luma=np.full(count, 90, np.uint8),
        contrast=np.full(count, 40, np.uint8),
        change=(change / CHANGE_LEVELS).astype(np.uint8),
        change_in_a_second=(second / CHANGE_LEVELS).astype(np.uint8),
    )


def _shots(*borders: float) -> list[Marker]:
    pairs = zip((0, *borders), (*borders, _SECONDS), strict=True)
    return [Marker(kind=Kind.SHOT, range=span(*pair)) for pair in pairs]


def _found(markers: list[Marker], pictures: PictureSignals | None) -> list[str]:
    watch = MarkerWatch()
    assert list(watch.watched(markers)) == markers
    ranges = [(one.kind, one.range) for one in (*watch.boxes(), *watch.shots(pictures))]
    return [f"{kind} {float(at.start):g}-{float(at.end):g}" for kind, at in ranges if at]


_CUTS = (5.0, 12.0, 20.0, 31.0)
_TABLE = {
    "right": (_shots(*_CUTS), _pictures(_CUTS), []),
    "a frame late": (_shots(*(cut + 0.04 for cut in _CUTS)), _pictures(_CUTS), []),
    "one shot": (_shots(), _pictures(_CUTS), ["one-shot-over-cuts 5-31"]),
    "no shot": ([], _pictures(_CUTS), ["one-shot-over-cuts 5-31"]),
    "one shot over two cuts": (_shots(), _pictures((5, 12)), []),
    "one shot over flashes": (_shots(), _pictures(flashes=_CUTS), []),
    "no decode": (_shots(), None, []),
    "two of four missed": (_shots(5, 12), _pictures(_CUTS), []),
    "three of four missed": (
        _shots(12),
        _pictures(_CUTS),
        ["missed-cuts 5-5", "missed-cuts 20-20", "missed-cuts 31-31"],
    ),
    "a boundary over nothing": (
        _shots(5, 8.5, 12, 20, 31),
        _pictures(_CUTS),
        ["shots-without-change 8.5-8.5"],
    ),
    "a boundary at a flash": (_shots(*_CUTS, 35), _pictures(_CUTS, (35,)), []),
    "a boundary in motion": (
        _shots(5, 8.5, 12, 20, 31),
        _pictures(_CUTS, moving=5),
        ["shots-without-change 8.5-8.5"],
    ),
    "a dissolve": (_shots(*_CUTS, 35), _pictures(_CUTS, dissolves=(35,)), []),
    "a gap": (
        [*_shots(5)[:1], Marker(kind=Kind.SHOT, range=span(12, _SECONDS))],
        None,
        ["shots-apart 5-12"],
    ),
    "an overlap": (
        [Marker(kind=Kind.SHOT, range=span(*r)) for r in ((0, 12), (5, _SECONDS))],
        None,
        ["shots-apart 5-12"],
    ),
    "rounded ends": (
        [Marker(kind=Kind.SHOT, range=span(*r)) for r in ((0, 4.96), (5, _SECONDS))],
        None,
        [],
    ),
    "in any order": (_shots(*_CUTS)[::-1], _pictures(_CUTS), []),
}


@pytest.mark.parametrize("case", _TABLE)
def test_shots_against_the_picture(case: str) -> None:
    markers, pictures, expected = _TABLE[case]
    assert _found(markers, pictures) == expected


def _box(left: float, width: float, at: float = 1) -> Marker:
    box = Box(left=left, top=0.5, width=width, height=0.5)
    return Marker(kind=Kind.FACE, range=span(at, at + 1), box=box)


@pytest.mark.parametrize(
    ("left", "width", "reported", "cut"),
    [
        (0.5, 0.5, False, 0.5),
        (0.5, 0.51, False, 0.5),
        (0.5, 0.55, True, 0.5),
        (1.0, 0.3, True, 0.0),
    ],
)
def test_box_is_cut_off_at_the_frame(left: float, width: float, reported: bool, cut: float) -> None:
    marker = _box(left, width)
    assert bool(_found([marker], None)) is reported
    box = in_frame(marker).box
    assert box is not None and (box.left, box.width) == (left, pytest.approx(cut))


def test_of_many_boxes_few_are_listed() -> None:
    watch = MarkerWatch()
    count = sum(1 for _ in watch.watched(_box(0.9, 0.9, n) for n in range(2_000)))
    found = list(watch.boxes())
    assert (count, len(found), found[-1].what) == (2_000, 11, "and 1,990 more")
