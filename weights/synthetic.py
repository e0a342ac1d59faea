"""A film by integers only, the same everywhere: on it the networks' outputs are compared."""

import numpy as np
from numpy.typing import NDArray

FRAMES = 160
# Where a shot begins at once, and where a dissolve begins and ends.
CUT, DISSOLVE = 40, (88, 112)


def synthetic_film() -> NDArray[np.uint8]:
    """Return frames of 48 x 27 in RGB: three moving patterns, with a cut and a dissolve."""
    first, end = DISSOLVE
    shots = [_pattern(shot) for shot in range(3)]
    film = np.concatenate([shots[0][:CUT], shots[1][CUT:first], shots[2][first:]])
    for frame in range(first, end):
        part = frame - first + 1
        mixed = shots[1][frame] * (end - first + 1 - part) + shots[2][frame] * part
        film[frame] = mixed // (end - first + 1)
    return film.astype(np.uint8)


def _pattern(shot: int) -> NDArray[np.int64]:
    """Return blocks that move over a slope of colour."""
    frame, y, x, colour = np.ogrid[:FRAMES, :27, :48, :3]
    slope = (x * (shot + 1) + y * (3 - shot) + colour * 40 * shot + frame // 4) % 128
    block = ((x + frame // (shot + 2)) // (5 + shot) + y // (4 + 2 * shot)) % 3
    return slope + block * (60 - 15 * colour)
