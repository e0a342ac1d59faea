"""The frame rate of a stream, and whether its frames really keep to it."""

from collections.abc import Sequence
from fractions import Fraction

from av.video.stream import VideoStream

_HIGHEST_RATE = 1000
_FALLBACK = Fraction(25)
_REORDERED = 20
"""The latest timestamps of a sample may lack frames that are stored after it."""
_LEAST_DRIFT = Fraction(1, 100)


def frame_rate(
    stream: VideoStream, pts: Sequence[int], warnings: list[str]
) -> tuple[Fraction, bool]:
    """Frames a second, and whether the rate varies, from the timestamps of some first packets."""
    average = stream.average_rate
    claims = [rate for rate in (average, stream.guessed_rate, stream.base_rate) if _sane(rate)]
    rates: list[Fraction] = [rate for rate in claims if rate is not None]
    if not rates:
        warnings.append(f"it claims no frame rate; {_FALLBACK} a second is assumed")
        return _FALLBACK, True
    moments = sorted(pts)
    if len(moments) > 2 * _REORDERED:
        moments = moments[:-_REORDERED]
    for rate in rates:
        if keeps(rate, moments, stream.time_base or Fraction(1)):
            return rate, _drifts(rate, average, stream.frames)
    return rates[0], True


def _sane(rate: Fraction | None) -> bool:
    return rate is not None and 0 < rate <= _HIGHEST_RATE


def keeps(rate: Fraction, moments: Sequence[int], time_base: Fraction) -> bool:
    """Whether ascending timestamps are those of this rate, rounded to the time base."""
    return all(
        abs((moment - moments[0]) * time_base - number / rate) <= time_base
        for number, moment in enumerate(moments)
    )


def _drifts(rate: Fraction, average: Fraction | None, frames: int) -> bool:
    """Whether the whole stream's average belies the rate of its beginning."""
    if not average or not frames:
        return False
    return abs(average / rate - 1) > max(_LEAST_DRIFT, Fraction(2, frames))
