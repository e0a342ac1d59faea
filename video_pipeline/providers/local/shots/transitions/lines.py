"""Where a picture may change gradually: it moves on a straight line between two pictures.

A dissolve or fade does so, and motion mostly does not. This says only where the network has to
look, so it is generous. A hard cut is no straight line.
"""

from video_pipeline.providers.local.shots.pictures import Recent, distance

# Spans in frames, at 20 to 45 a second, and the least change over each, in levels. With the bends
# below, no transition was lost on labelled real footage, and six tenths of the frames are left out.
_LAGS = ((8, 6.0), (16, 10.0), (32, 12.0))
# How far the picture half-way may be off the line, as a share of the change: more for a larger one.
_LEAST_BEND, _MORE_BEND, _LARGE = 0.25, 0.1, 30.0

# How many of the last frames must be kept.
MEMORY = 33


def straight_from(recent: Recent) -> int | None:
    """Return the frame from which the newest one is reached on a straight line, if any."""
    newest = recent.after - 1
    return next(
        (
            newest - lag
            for lag, least in reversed(_LAGS)
            if recent.has(newest - lag) and _straight(recent, newest - lag, newest, least)
        ),
        None,
    )


def _straight(recent: Recent, first: int, last: int, least: float) -> bool:
    before, half, after = (recent.at(n) for n in (first, (first + last) // 2, last))
    change = distance(before, after)
    if change <= least:
        return False
    most = _LEAST_BEND + _MORE_BEND * min(change - least, _LARGE) / _LARGE
    return distance(half, (before + after) / 2) < most * change
