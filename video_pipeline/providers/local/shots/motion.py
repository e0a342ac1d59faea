"""How much of a change of the picture is the camera's movement: pan, tilt and zoom.

A slow camera over a soft picture moves it on nearly a straight line, as a dissolve does; but then
the change follows the slopes of the picture itself, and in a dissolve it does not.
"""

import numpy as np

from video_pipeline.providers.local.shots.pictures import GRID, Picture


def share_of_motion(before: Picture, between: Picture, after: Picture) -> float:
    """The part of the change, 0 to 1, that one movement of the whole picture explains.

    `between` is the picture half-way: the change is fitted to its slopes, in least squares.
    """
    columns, rows = GRID
    picture = between.reshape(rows, columns, 3)
    down, right = (np.asarray(np.gradient(picture, axis=axis)) for axis in (0, 1))
    x = np.arange(columns)[None, :, None] - (columns - 1) / 2
    y = np.arange(rows)[:, None, None] - (rows - 1) / 2
    zoom = right * x + down * y
    slopes = np.stack([right.ravel(), down.ravel(), zoom.ravel()], axis=1)
    change = after - before
    whole = float(change @ change)
    if not whole:
        return 0.0
    movement = np.linalg.lstsq(slopes, change, rcond=None)[0]
    rest = change - slopes @ movement
    return 1 - float(rest @ rest) / whole
