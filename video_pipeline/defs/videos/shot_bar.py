"""A bar of a video's shots and speech over time, small enough to be shown inline."""

import base64
import io
from collections.abc import Iterable
from fractions import Fraction
from itertools import cycle

from PIL import Image, ImageDraw

from video_pipeline.domain.time import TimeRange

# Dagster shows markdown inline below this many characters (1.13.27, MarkdownMetadataEntry).
MOST_CHARACTERS = 1000

# Four colours take two bits a pixel. Two different lines of them take at most 320 bytes, and a
# repeated line some more, so that any bar stays below the limit.
_WIDTH = 640
_BAND, _SPACE = 14, 2
_NOTHING, _SHOT, _NEXT_SHOT, _SPEECH = range(4)
_PALETTE = bytes.fromhex("d8dce21f4e796fa8d62e8b57")


def shot_bar(
    duration: Fraction,
    shots: Iterable[TimeRange],
    speech: Iterable[TimeRange] | None = None,
    text: str = "",
) -> str:
    """Return markdown with one image: shots in two blues by turns, and below them speech in green.

    Gaps are grey. Without `speech` there is one band only. `duration` is positive. `text` is what a
    reader without images gets, without brackets.
    """
    bands = 1 if speech is None else 2
    size = (_WIDTH, bands * _BAND + (bands - 1) * _SPACE)
    bar = Image.new("P", size, _NOTHING)
    bar.putpalette(_PALETTE)
    draw = ImageDraw.Draw(bar)
    for shot, colour in zip(shots, cycle((_SHOT, _NEXT_SHOT)), strict=False):
        draw.rectangle(_columns(shot, duration, 0), colour)
    for spoken in speech or ():
        draw.rectangle(_columns(spoken, duration, _BAND + _SPACE), _SPEECH)
    out = io.BytesIO()
    bar.save(out, "PNG", bits=2, optimize=True)
    return f"![{text}](data:image/png;base64,{base64.b64encode(out.getvalue()).decode()})"


def _columns(range: TimeRange, duration: Fraction, top: int) -> tuple[int, int, int, int]:
    """Return the rectangle of a range, at least one pixel wide and within the bar."""
    scale = _WIDTH / duration
    first = min(_WIDTH - 1, max(0, int(range.start * scale)))
    last = max(first, min(_WIDTH, round(range.end * scale)) - 1)
    return first, top, last, top + _BAND - 1
