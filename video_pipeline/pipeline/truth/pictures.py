"""Shots against the picture: changes without a boundary, and boundaries without a change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from video_pipeline.domain.results.findings import Finding, FindingKind
from video_pipeline.domain.time import TimeRange
from video_pipeline.pipeline.truth.listing import listed, seconds
from video_pipeline.plugins.signals import CHANGE_LEVELS, PictureSignals

# A clear cut, in levels of 255: so much changes at once, so many times what changes around it and
# in the frames beside it, and so much stays changed. A flash changes as much, and then the picture
# of a second ago is back. Wipes and fast motion change the frames beside, too.
_CUT, _CUT_TIMES, _BESIDE_TIMES, _STAYS = 20.0, 4.0, 3.0, 12.0
# A boundary shows a change of so many levels at once, or of so many times what changes around it.
# Within a second it is so many levels, and so many times what changes before or after: motion
# goes on, and a dissolve ends.
_ANY_CUT, _ANY_TIMES, _GRADUAL, _GRADUAL_TIMES = 30.0, 3.0, 18.0, 2.2
# Seconds: how far a boundary may lie from its change, and what counts as around it.
_NEAR, _AROUND = 0.3, 1.0
# So many clear cuts, and this share of them, are missed.
_FEWEST_CUTS, _SHARE_MISSED = 3, 0.2
# Seconds between neighbouring shots that rounding explains.
_APART = 0.15


@dataclass(frozen=True)
class _Changes:
    """The changes of the picture, in levels, by the time of their frame."""

    signals: PictureSignals

    @cached_property
    def times(self) -> NDArray[np.float64]:
        return self.signals.ticks.astype(np.float64) * float(self.signals.time_base)

    @cached_property
    def at_once(self) -> NDArray[np.float64]:
        return self.signals.change.astype(np.float64) * CHANGE_LEVELS

    @cached_property
    def in_a_second(self) -> NDArray[np.float64]:
        return self.signals.change_in_a_second.astype(np.float64) * CHANGE_LEVELS

    def between(self, start: float, end: float) -> slice:
        first, after = np.searchsorted(self.times, [start, end])
        return slice(int(first), int(after))

    def around(self, moment: float) -> float:
        """Return the usual change within a second of a moment."""
        return float(np.median(self.at_once[self.between(moment - _AROUND, moment + _AROUND)]))

    def clear_cuts(self) -> NDArray[np.float64]:
        """Return where the picture certainly changes at once, and stays changed."""
        found = list[float]()
        for index in np.flatnonzero(self.at_once >= _CUT):
            moment = float(self.times[index])
            # Old films and other rates spread a cut over its next frame.
            before = self.at_once[max(0, index - 2) : index]
            beside = max(before.max(initial=0), self.at_once[index + 2 : index + 4].max(initial=0))
            after = self.in_a_second[self.between(moment + 0.1, moment + 0.6)]
            stays = len(after) > 0 and after.min() >= _STAYS
            outstanding = self.at_once[index] >= _CUT_TIMES * (self.around(moment) + 0.5)
            alone = self.at_once[index] >= _BESIDE_TIMES * beside
            if stays and outstanding and alone:
                found.append(moment)
        return np.array(found)

    def shows(self, moment: float) -> bool:
        """Return whether anything changes at a boundary, at once or gradually."""
        near = self.at_once[self.between(moment - _NEAR, moment + _NEAR)]
        peak = near.max(initial=0)
        outstanding = peak >= max(1.5, _ANY_TIMES * (self.around(moment) + 0.25))
        return bool(peak >= _ANY_CUT or outstanding) or self._shows_gradually(moment)

    def _shows_gradually(self, moment: float) -> bool:
        second = self.in_a_second
        most = second[self.between(moment - 0.5, moment + 1.2)].max(initial=0)
        sides = (
            second[self.between(moment - 3, moment - 0.6)],
            second[self.between(moment + 1.6, moment + 4)],
        )
        # A dissolve may lead into motion, or out of it.
        usual = min((float(np.median(side)) for side in sides if len(side)), default=0.0)
        return bool(most >= max(_GRADUAL, _GRADUAL_TIMES * usual)) or any(
            fade.start - 1 <= moment <= fade.end + 1 for fade in self.fades
        )

    @cached_property
    def fades(self) -> tuple[TimeRange, ...]:
        return self.signals.fades()


def seen(
    starts: NDArray[np.float64], ends: NDArray[np.float64], pictures: PictureSignals
) -> Iterator[Finding]:
    """Yield what the shots contradict in the picture."""
    changes = _Changes(pictures)
    if not len(changes.times):
        return
    cuts = changes.clear_cuts()
    if len(starts) <= 1:
        if len(cuts) >= _FEWEST_CUTS:
            shots = "one shot" if len(starts) else "no shot"
            what = f"{shots}, and the picture has {len(cuts)} clear cuts"
            range = seconds(cuts[0], cuts[-1])
            yield Finding(kind=FindingKind.ONE_SHOT_OVER_CUTS, what=what, range=range)
        return
    first, last = float(changes.times[0]) + _NEAR, float(changes.times[-1]) - _NEAR
    borders = np.unique(np.concatenate([starts, ends]))
    yield from _missed(cuts, borders)
    still = [b for b in borders.tolist() if first < b < last and not changes.shows(b)]
    told = (("nothing changes at this boundary", seconds(b, b)) for b in _merged(still))
    yield from listed(FindingKind.SHOTS_WITHOUT_CHANGE, told)


def _missed(cuts: NDArray[np.float64], borders: NDArray[np.float64]) -> Iterator[Finding]:
    after = np.searchsorted(borders, cuts).clip(1, len(borders) - 1)
    distance = np.minimum(np.abs(borders[after] - cuts), np.abs(borders[after - 1] - cuts))
    missed = cuts[distance > _NEAR]
    if len(missed) >= max(_FEWEST_CUTS, _SHARE_MISSED * len(cuts)):
        told = ((f"{len(missed)} clear cuts have no boundary", seconds(m, m)) for m in missed)
        yield from listed(FindingKind.MISSED_CUTS, told)


def _merged(moments: Sequence[float]) -> Iterator[float]:
    """Yield moments, those of the end of a shot and of the start of the next one once."""
    last = -1.0
    for moment in moments:
        if moment - last > _APART:
            yield moment
        last = moment


def apart(starts: NDArray[np.float64], ends: NDArray[np.float64]) -> Sequence[Finding]:
    """Return where neighbouring shots overlap or leave a gap. Shots may be in any order."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], ends[order]
    until = np.maximum.accumulate(ends)[:-1] if len(ends) else ends
    gaps = starts[1:] - until

    def told() -> Iterator[tuple[str, TimeRange]]:
        for index in np.flatnonzero(np.abs(gaps) > _APART):
            start, end = sorted((float(until[index]), float(starts[index + 1])))
            what = "no shot covers this" if gaps[index] > 0 else "two shots overlap"
            yield what, seconds(start, end)

    return listed(FindingKind.SHOTS_APART, told())
