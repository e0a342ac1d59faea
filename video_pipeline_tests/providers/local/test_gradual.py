"""What the network is shown of a stretch, however long it is."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from video_pipeline.providers.local.shots.transitions.film import Film
from video_pipeline.providers.local.shots.transitions.gradual import MEMORY, Gradual, step_at
from video_pipeline.providers.local.shots.transitions.network import Network


class Numbers(Network):
    """A network that notes the numbers that its frames show."""

    def __init__(self) -> None:
        super().__init__(Path(), 1)
        self.windows: list[list[int]] = []

    def probabilities(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.windows.append([int(frame[0, 0, 0]) * 256 + int(frame[0, 0, 1]) for frame in frames])
        return np.zeros(len(frames), np.float32)


def _shown(frames: int, straight: range, rate: float) -> list[list[int]]:
    """Return the windows that are shown of so many frames, of which some end a straight line."""
    film, network = Film(MEMORY * step_at(rate)), Numbers()
    gradual = Gradual(film, network, rate)
    for number in range(frames):
        film.add(np.full((27, 48, 3), (0, number % 256, number // 256), np.uint8))
        gradual.look(max(0, number - 8) if number in straight else None)
    gradual.finish()
    return network.windows


@pytest.mark.parametrize(("rate", "step"), [(25.0, 3), (30.0, 3), (12.5, 1), (44.0, 5)])
def test_a_long_stretch_is_shown_in_parts_of_one_size(rate: float, step: int) -> None:
    windows = _shown(3000, range(100, 3000), rate)
    assert max(map(len, windows)) <= 140
    assert all(0 <= b - a <= step for window in windows for a, b in pairwise(window))
    judged = sorted(number for window in windows for number in window[20:-20])
    assert judged[0] <= 92 and judged[-1] >= 2999 - step
    assert len(judged) == len(set(judged))


def test_nothing_is_shown_without_a_straight_line() -> None:
    assert _shown(500, range(0), 25.0) == []


def test_stretches_close_to_each_other_are_shown_together() -> None:
    assert len(_shown(600, range(100, 160, 20), 25.0)) == 1


@pytest.mark.parametrize("frames", [1, 2, 10])
def test_a_video_shorter_than_a_window_is_shown_by_its_ends(frames: int) -> None:
    (window,) = _shown(frames, range(frames), 25.0)
    assert set(window) <= set(range(frames)) and len(window) > 40
