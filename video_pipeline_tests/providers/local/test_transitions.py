"""Which changes of the picture bound a shot, told on real pictures under a moving camera."""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from video_pipeline.providers.local.shots.dissolves import Dissolves
from video_pipeline.providers.local.shots.fades import Fades
from video_pipeline.providers.local.shots.pictures import (
    GRID,
    Picture,
    Recent,
    contrast,
    distance,
    likeness,
)
from video_pipeline.providers.local.shots.steps import NEAR, is_step
from video_pipeline.samples import footage

Frames = NDArray[np.float64]

_BLACK = 0.0


@cache
def _still(number: int) -> Image.Image:
    """A real picture, 1280 pixels wide."""
    street, bunny = footage()
    video, wanted = ((bunny, 50), (street, 10), (street, 100), (street, 150), (street, 240))[number]
    with av.open(str(video)) as container:
        pictures = (frame.to_image() for frame in container.decode(video=0))
        return next(islice(pictures, wanted, None)).resize((1280, 720))


def _shot(number: int, count: int, pan: float = 0.3, zoom: float = 0.0) -> Frames:
    """A camera over a real picture: `pan` is in thousandths of the frame's width a frame."""
    still, frames = _still(number), list[Frames]()
    for frame in range(count):
        left, scale = 20 + pan * 0.8 * frame, 1 - zoom * frame
        window = (left, 20.0, left + 800 * scale, 20 + 450 * scale)
        small = still.resize(GRID, Image.Resampling.BOX, box=window)
        frames.append(np.asarray(small, np.float64))
    return np.stack(frames)


def _mixed(one: Frames | float, other: Frames | float, count: int) -> Frames:
    """From one to the other on a straight line, neither end included."""
    part = (np.arange(1, count + 1) / (count + 1))[:, None, None, None]
    return np.asarray(one) * (1 - part) + np.asarray(other) * part


def _seen(frames: Iterable[Frames]) -> Iterator[Recent]:
    """What is remembered after each frame."""
    recent = Recent(64)
    for frame in frames:
        recent.add(frame.reshape(-1).astype(np.float32))
        yield recent


def _gradual(frames: Frames) -> tuple[list[int], list[int]]:
    """The dissolves and the fades that are found."""
    recent = Recent(64)
    dissolves, fades = Dissolves(recent), Fades(recent)
    for frame in frames:
        recent.add(frame.reshape(-1).astype(np.float32))
        dissolves.look()
        fades.look()
    dissolves.finish()
    return dissolves.found, fades.found


@pytest.mark.parametrize("length", [10, 16, 25, 40, 60])
def test_dissolve_between_moving_shots_is_found_once(length: int) -> None:
    one, other = _shot(1, 40 + length, 0.5), _shot(2, 40 + length, 0.5)
    frames = np.concatenate([one[:40], _mixed(one[40:], other[:length], length), other[length:]])
    (found,), fades = _gradual(frames)
    assert 40 <= found < 40 + length
    assert fades == []


@pytest.mark.parametrize("length", [6, 12, 25])
@pytest.mark.parametrize("colour", [_BLACK, 255.0], ids=["black", "white"])
def test_fade_through_one_colour_is_found_once(length: int, colour: float) -> None:
    one, other = _shot(1, 40 + length), _shot(2, 40 + length)
    sinking, rising = _mixed(one[40:], colour, length), _mixed(colour, other[:length], length)
    frames = np.concatenate(
        [one[:40], sinking, np.full((5, 9, 16, 3), colour), rising, other[length:]]
    )
    dissolves, (found,) = _gradual(frames)
    assert 40 + length - 2 <= found <= 40 + length + 7
    assert dissolves == []


def test_fading_in_and_fading_out_bound_no_shot() -> None:
    shot, dark = _shot(1, 100), np.zeros((6, 9, 16, 3))
    risen, sunk = _mixed(_BLACK, shot[:20], 20), _mixed(shot[80:], _BLACK, 20)
    assert _gradual(np.concatenate([dark, risen, shot[20:80], sunk, dark])) == ([], [])


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize(
    ("pan", "zoom"), [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (6, 0), (0, 0.004), (2, 0.002)]
)
def test_a_moving_camera_is_no_gradual_change(number: int, pan: float, zoom: float) -> None:
    assert _gradual(_shot(number, 90, pan, zoom)) == ([], [])


def _steps(frames: Frames) -> list[int]:
    """The frames that count as hard cuts where each one is suspected."""
    return [
        recent.after - NEAR
        for recent in _seen(frames)
        if recent.after > NEAR and is_step(recent, recent.after - NEAR)
    ]


@pytest.mark.parametrize("pan", [0.0, 1.0, 4.0])
def test_a_hard_cut_is_the_only_step(pan: float) -> None:
    frames = np.concatenate([_shot(1, 30, pan), _shot(2, 30, pan)])
    assert _steps(frames) == [30]


@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_flash_has_no_step_at_either_end(length: int) -> None:
    shot = _shot(1, 60, 0.02)
    shot[30 : 30 + length] = 255
    assert _steps(shot) == []


@pytest.mark.parametrize("length", [6, 12])
def test_the_last_frame_of_a_fade_is_no_step(length: int) -> None:
    shot = _shot(1, 60, 0.02)
    frames = np.concatenate(
        [shot[:30], _mixed(shot[30:31], _BLACK, length), np.zeros((20, 9, 16, 3))]
    )
    assert _steps(frames) == []


_PICTURES = st.lists(st.integers(0, 255), min_size=27, max_size=27).map(
    lambda levels: np.array(levels, np.float32)
)


@given(_PICTURES, _PICTURES)
def test_distance_is_that_of_a_metric(one: Picture, other: Picture) -> None:
    assert distance(one, one) == 0
    assert distance(one, other) == distance(other, one) >= 0


@given(_PICTURES, st.floats(0.1, 0.9), st.floats(0, 20))
def test_likeness_does_not_mind_brightness(one: Picture, gain: float, offset: float) -> None:
    assert likeness(one, one * gain + offset) == pytest.approx(1 if np.ptp(one) else 0, abs=1e-3)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_uniform_frame_has_no_contrast(red: int, green: int, blue: int) -> None:
    assert contrast(np.tile(np.array([red, green, blue], np.float32), 9)) == 0


def test_old_frames_are_dropped() -> None:
    recent = Recent(3)
    for level in range(5):
        recent.add(np.full(3, level, np.float32))
    assert [recent.has(number) for number in range(6)] == [False, False, True, True, True, False]
    assert recent.at(2)[0] == 2
    with pytest.raises(IndexError):
        recent.at(1)
