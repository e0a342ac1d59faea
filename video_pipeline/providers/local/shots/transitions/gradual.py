"""Dissolves and fades: the network looks where the picture changes on a straight line.

It sees about nine frames a second: at the full rate slow transitions pass it by. Frames are kept
only as long as a stretch that is not yet judged needs them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from video_pipeline.providers.local.shots.steps import is_step
from video_pipeline.providers.local.shots.transitions.extent import Transition, extent
from video_pipeline.providers.local.shots.transitions.film import Film
from video_pipeline.providers.local.shots.transitions.network import Network

# Frames a second that the network is shown.
_RATE = 9
# The least probability of a transition, and the least for which a second look is worth it, at the
# full rate: it finds short ones that the first look passes by.
_THRESHOLD, _WORTH_A_LOOK = 0.3, 0.03
# Stretches closer than this, in frames, are judged together.
_JOIN = 30
# Of the frames that the network is shown: how many are judged at once, and how many on each side
# are only seen.
_JUDGED, _CONTEXT = 80, 20

# How many of the last frames must be kept at `step` 1; at others, as many times more.
MEMORY = 2 * (_JUDGED + 2 * _CONTEXT)


@dataclass(slots=True)
class _Stretch:
    """Frames from `first` on, before `after`, which the network has to judge from `judged` on."""

    first: int
    after: int
    judged: int


class Gradual:
    """Told of every frame in order, once `film` has it; `found` holds the transitions."""

    def __init__(self, film: Film, network: Network, rate: float) -> None:
        self._film, self._network = film, network
        self._step = step_at(rate)
        self._stretch: _Stretch | None = None
        self.found: list[Transition] = []

    def look(self, straight_from: int | None) -> None:
        """Take the newest frame into account, and from where it was reached on a line."""
        newest, stretch = self._film.after - 1, self._stretch
        if stretch and newest >= stretch.judged + (_JUDGED + _CONTEXT) * self._step:
            self._judge(stretch, stretch.judged + _JUDGED * self._step)
        if straight_from is not None:
            if stretch is None:
                self._stretch = _Stretch(straight_from, newest + 1, straight_from)
            else:
                stretch.after = newest + 1
                if stretch.judged == stretch.first:
                    stretch.first = stretch.judged = min(stretch.first, straight_from)
        elif stretch and newest >= stretch.after + max(_JOIN, _CONTEXT * self._step):
            self.finish()

    def finish(self) -> None:
        """Judge what is left of the current stretch."""
        stretch, self._stretch = self._stretch, None
        if stretch and stretch.judged < stretch.after:
            self._judge(stretch, stretch.after)

    def _judge(self, stretch: _Stretch, after: int) -> None:
        """Note the transitions from where the stretch is judged so far up to `after`."""
        step, first = self._step, stretch.judged
        context, count = _CONTEXT * step, -(-(after - first) // step)
        window = self._film.window(first - context, first + (count + _CONTEXT) * step, step)
        likely = self._network.probabilities(window)[_CONTEXT : _CONTEXT + count]
        stretch.judged = after
        for at in _peaks(likely, _WORTH_A_LOOK if step > 1 else _THRESHOLD):
            peak: int | None = first + at * step
            if likely[at] < _THRESHOLD:
                peak = self._looked_again(peak)
            within = (max(stretch.first - 1, 0), self._film.after - 1)
            found = None if peak is None else extent(peak, self._film.at, within)
            if found and (found.label != "cut" or is_step(self._film, found.first)):
                self._note(found)

    def _looked_again(self, peak: int) -> int | None:
        """Return the likeliest frame near this one if every frame is shown, or None."""
        near = range(peak - _CONTEXT // 2, peak + _CONTEXT // 2 + 1)
        window = self._film.window(near.start - _CONTEXT, near.stop + _CONTEXT, 1)
        likely = self._network.probabilities(window)[_CONTEXT:-_CONTEXT]
        return near[int(likely.argmax())] if likely.max() > _THRESHOLD else None

    def _note(self, found: Transition) -> None:
        """Add a transition, joined with those that it overlaps."""
        while self.found and found.first <= self.found[-1].last + 1:
            last = self.found.pop()
            label = "fade" if "fade" in (last.label, found.label) else found.label
            found = Transition(min(last.first, found.first), max(last.last, found.last), label)
        self.found.append(found)


def step_at(rate: float) -> int:
    """Return every how many frames the network is shown one, at frames a second."""
    return max(1, round(rate / _RATE))


def _peaks(likely: NDArray[np.float32], least: float) -> list[int]:
    """Return the likeliest frame of each run of likely ones."""
    over = np.concatenate([[0], likely > least, [0]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(over)).reshape(-1, 2)
    return [int(start + likely[start:end].argmax()) for start, end in edges]
