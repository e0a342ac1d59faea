"""Drift of words against sound: a constant offset and a linear rate, by cross-correlation.

Windows of a minute are compared at many offsets. A line through the best offsets tells both.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from video_pipeline.domain.results.findings import Finding, FindingKind
from video_pipeline.pipeline.truth.listing import seconds
from video_pipeline.pipeline.truth.words import Spoken
from video_pipeline.plugins.signals import LOUDNESS_STEP, SoundSignals

# Seconds of a step, of a window, and between windows.
_STEP, _WINDOW, _HOP = 0.05, 40.0, 10.0
# Seconds that a window may lie from where the windows before it expect it.
_REACH = 6.0
# Rates at which windows are compared: within one, another rate smears. 4 % lies between films and
# television of 25 frames.
_RATES = (0.0, 0.02, -0.02, 0.04, -0.04)
# The least correlation of a window that counts, and by how much it exceeds those of offsets over
# a second away.
_CLEAR, _BETTER = 0.3, 0.04
# So many windows of words with pauses are needed: two minutes.
_FEWEST = 6
# Seconds that windows usually lie beside the line. Those of another text lie anywhere.
_SCATTER = 0.2
# Recognisers let words begin and end this much before their sound. It is no drift.
_USUAL = -0.075
# What is reported: seconds of offset, and the rate where it moves words by as much.
OFFSET, RATE = 0.2, 0.005


@dataclass(frozen=True, slots=True)
class Drift:
    """How late words come: seconds at the middle, and seconds more a second."""

    offset: float
    rate: float
    start: float
    end: float


def measured(spoken: Spoken, sound: SoundSignals) -> Drift | None:
    """Return the drift, or None where too little speech with pauses fits the words."""
    if len(spoken.starts) < 2:
        return None
    heard = _loudness(sound)
    tried = ((rate, _offsets(_activity(spoken, rate), heard)) for rate in _RATES)
    enough = [one for one in tried if len(one[1]) >= _FEWEST]
    if not enough:
        return None
    tried_rate, found = max(enough, key=lambda one: float(one[1][:, 2].mean()))
    moments, offsets = found[:, 0], found[:, 1]
    rate, middle = _line(moments, offsets - _USUAL)
    at = float(np.median(moments))
    if float(np.median(np.abs(offsets - _USUAL - middle - rate * (moments - at)))) > _SCATTER:
        return None
    # The words were compared at the tried rate: what it took off is added again.
    start, end = float(moments[0] - _WINDOW / 2), float(moments[-1] + _WINDOW / 2)
    half = (start + end) / 2
    late = (middle + rate * (half - at)) * (1 + tried_rate) + tried_rate * half
    return Drift(late, (1 + tried_rate) * (1 + rate) - 1, start, end)


def finding(drift: Drift) -> Finding | None:
    """Return the finding of a drift that is too large."""
    ends = abs(drift.rate) * (drift.end - drift.start)
    constant = abs(drift.offset) >= OFFSET
    if not constant and not (abs(drift.rate) >= RATE and ends >= OFFSET):
        return None
    side = "late" if drift.offset > 0 else "early"
    what = f"words come {abs(drift.offset):.2f} s {side}"
    if abs(drift.rate) >= RATE / 2 and ends >= OFFSET:
        what += f", and {drift.rate:+.1%} of the time more"
    return Finding(kind=FindingKind.DRIFT, what=what, range=seconds(drift.start, drift.end))


def _activity(spoken: Spoken, rate: float) -> NDArray[np.float64]:
    """Return in each step which part of it words fill, without a rate by which they are late."""
    step = _STEP * (1 + rate)
    count = int(spoken.ends.max() / step) + 2
    edges = np.zeros(count + 1)
    for moments, sign in ((spoken.starts, 1.0), (spoken.ends, -1.0)):
        places = np.clip(moments / step, 0, count - 1)
        whole = places.astype(np.int64)
        np.add.at(edges, whole, sign * (1 - (places - whole)))
        np.add.at(edges, whole + 1, sign * (places - whole))
    return np.clip(np.cumsum(edges)[:count], 0, 1)


def _loudness(sound: SoundSignals) -> NDArray[np.float64]:
    """Return the loudness of speech in each step, 0 where none is heard."""
    times = (np.arange(int(float(sound.start + sound.duration) / _STEP) + 1) + 0.5) * _STEP
    step = float(LOUDNESS_STEP)
    middles = float(sound.start) + (np.arange(len(sound.loudness)) + 0.5) * step
    if not len(middles):
        return np.zeros(len(times))
    # Quieter than 30 dB below loud speech is as good as silence.
    level = -np.interp(times, middles, sound.loudness.astype(np.float64)) / 2
    loud = np.percentile(level, 95)
    level = np.clip((level - loud) / 30 + 1, 0, 1)
    spoken = np.zeros(len(times), bool)
    for one in sound.speech or ():
        first, after = np.searchsorted(times, [float(one.start) - 0.1, float(one.end) + 0.1])
        spoken[first:after] = True
    return np.where(spoken, level, 0.0)


def _offsets(words: NDArray[np.float64], heard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a row for each clear window: its middle, how late its words come, the correlation."""
    size, reach = round(_WINDOW / _STEP), round(_REACH / _STEP)
    found, expected = list[tuple[float, float, float]](), 0
    for first in range(0, max(1, len(words) - size + 1), round(_HOP / _STEP)):
        window = words[first : first + size]
        best = _best_lag(window, heard, first - expected, reach)
        if best is not None:
            lag, alike = best
            late = expected - lag
            found.append(((first + len(window) / 2) * _STEP, late * _STEP, alike))
            expected = round(late)
    return np.array(found).reshape(-1, 3)


def _best_lag(
    window: NDArray[np.float64], heard: NDArray[np.float64], first: int, reach: int
) -> tuple[float, float] | None:
    """Return by how many steps the sound lies after `first`, and the correlation there.

    Returns None if that is not clear.
    """
    before = max(0, reach - first)
    begin = first - reach + before
    padded = np.pad(heard, (before, max(0, begin + len(window) + 2 * reach - before - len(heard))))
    under = padded[begin : begin + len(window) + 2 * reach]
    spread = _spread(under, len(window)) * window.std() * len(window)
    alike = np.correlate(under, window - window.mean(), "valid")
    found = np.divide(alike, spread, out=np.zeros(len(alike)), where=spread > 1e-6)
    best = int(np.argmax(found))
    second = round(1 / _STEP)
    others = np.concatenate([found[: max(0, best - second)], found[best + second :]])
    if found[best] < _CLEAR or found[best] - others.max(initial=-1) < _BETTER:
        return None
    return _peak(found, best) - reach, float(found[best])


def _spread(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the standard deviation of each so many values in a row."""
    sums, squares = (np.concatenate([[0.0], np.cumsum(one)]) for one in (values, values**2))
    mean = (sums[size:] - sums[:-size]) / size
    return np.sqrt(np.maximum((squares[size:] - squares[:-size]) / size - mean**2, 0))


def _peak(values: NDArray[np.float64], best: int) -> float:
    """Return the top of the parabola through a maximum and its neighbours."""
    if not 0 < best < len(values) - 1:
        return float(best)
    before, top, after = values[best - 1 : best + 2]
    curve = before - 2 * top + after
    return best + (0.5 * (before - after) / curve if curve else 0.0)


def _line(moments: NDArray[np.float64], offsets: NDArray[np.float64]) -> tuple[float, float]:
    """Return slope, and value at the median moment, of the line by Theil and Sen."""
    first, second = np.triu_indices(len(moments), 1)
    rate = float(np.median((offsets[second] - offsets[first]) / (moments[second] - moments[first])))
    at = float(np.median(moments))
    return rate, float(np.median(offsets - rate * (moments - at)))
