"""From which frame to which a transition changes the picture, on drawn pictures."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from video_pipeline.providers.local.shots.transitions.extent import Transition, extent

Pictures = NDArray[np.floating[Any]]
_BEFORE = 40


def _shot(seed: int, frames: int, drift: float = 0.0) -> Pictures:
    """A picture of blocks, whose brightness drifts."""
    random = np.random.default_rng(seed)
    still = random.integers(0, 200, 16 * 9 * 3).astype(np.float32)
    change = random.normal(0, drift, still.shape).astype(np.float32)
    return still + change * np.arange(frames, dtype=np.float32)[:, None]


def _mixed(one: Pictures, other: Pictures) -> Pictures:
    share = (np.arange(1, len(one) + 1, dtype=np.float32) / (len(one) + 1))[:, None]
    return one * (1 - share) + other * share


def _found(film: Pictures, peak: int) -> Transition | None:
    return extent(peak, film.__getitem__, (0, len(film) - 1))


@pytest.mark.parametrize("length", [3, 8, 16, 25, 40, 60])
@pytest.mark.parametrize("drift", [0.0, 0.3], ids=["still", "moving"])
def test_dissolve_is_measured_to_some_frames(length: int, drift: float) -> None:
    one, other = _shot(1, _BEFORE + length, drift), _shot(2, _BEFORE + length, drift)
    mixed = _mixed(one[_BEFORE:], other[:length])
    found = _found(np.concatenate([one[:_BEFORE], mixed, other[length:]]), _BEFORE + length // 2)
    assert found is not None and found.label == "dissolve"
    near = 1 + length // 6 if drift else 1
    assert abs(found.first - _BEFORE) <= near
    assert abs(found.last - (_BEFORE + length - 1)) <= near
    assert abs(found.middle - (_BEFORE + length // 2)) <= near


@pytest.mark.parametrize("peak", [_BEFORE + 5, _BEFORE + 12, _BEFORE + 20])
def test_fade_has_both_sides_whichever_is_likely(peak: int) -> None:
    one, other = _shot(1, _BEFORE + 10), _shot(2, _BEFORE + 10)
    black = np.zeros((6, one.shape[1]), np.float32)
    sides = [_mixed(one[_BEFORE:], one[_BEFORE:] * 0), black, _mixed(other[:10] * 0, other[:10])]
    found = _found(np.concatenate([one[:_BEFORE], *sides, other]), peak)
    assert found is not None and found.label == "fade"
    assert abs(found.first - _BEFORE) <= 2
    assert abs(found.last - (_BEFORE + 25)) <= 2


def test_fade_out_before_a_cut_ends_in_black() -> None:
    one, black = _shot(1, _BEFORE + 10), np.zeros((8, 16 * 9 * 3), np.float32)
    film = np.concatenate(
        [one[:_BEFORE], _mixed(one[_BEFORE:], one[_BEFORE:] * 0), black, _shot(2, 30)]
    )
    found = _found(film, _BEFORE + 5)
    assert found is not None and found.label == "fade"
    assert found.last < _BEFORE + 18


def test_change_at_once_is_a_cut() -> None:
    found = _found(np.concatenate([_shot(1, _BEFORE), _shot(2, _BEFORE)]), _BEFORE - 1)
    assert found == Transition(_BEFORE, _BEFORE, "cut")


@pytest.mark.parametrize(
    "film",
    [
        pytest.param(_shot(1, 80), id="nothing changes"),
        pytest.param(_shot(1, 80) * np.linspace(0.6, 1, 80)[:, None], id="exposure"),
        pytest.param(np.zeros((80, 16 * 9 * 3), np.float32), id="black"),
        pytest.param(_shot(1, 1), id="one frame"),
    ],
)
def test_no_transition_where_the_picture_stays(film: Pictures) -> None:
    assert _found(film, len(film) // 2) is None
