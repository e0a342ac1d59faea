"""A filmstrip of a video's shots: one thumbnail each, as a small image within markdown."""

import base64
import io
import re
from bisect import bisect_right
from fractions import Fraction
from itertools import islice

from PIL import Image, ImageDraw

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.markers import Kind
from video_pipeline.domain.time import TimeRange, clock
from video_pipeline.pipeline.video_run import VideoRun

_SHOTS = 24
# Dagster's dialog takes up to four fifths of the window: 960 pixels fit into one of 1,280.
_COLUMNS = 4
_CELL = (240, 135)
_GAP, _CAPTION, _FONT_SIZE = 4, 24, 14
# Base64 within markdown takes a third more.
_MOST_BYTES = 44_000
_MOMENT = re.compile(r"/(\d{10})\.jpg$")


def filmstrip(run: VideoRun) -> str | None:
    """Return markdown under 60 kB, or None without thumbnails or shots."""
    results, video = run.catalog.results, run.key.video
    made = results.get(video, Phase.THUMBNAILS)
    found = (m.range for m in results.markers(video, [Phase.SHOTS]) if m.kind == Kind.SHOT)
    shots = list(islice(found, _SHOTS))
    if made is None or not made.outputs or not shots:
        return None
    thumbnails = {_moment_of(name): name for name in made.outputs}
    strip = _blank(len(shots))
    for number, shot in enumerate(shots):
        with run.outputs.open(thumbnails[_nearest(shot, sorted(thumbnails))]) as stored:
            _paste(strip, number, stored.read(), clock(shot.start))
    image = base64.b64encode(_small_jpeg(strip)).decode()
    return f"![the first shots](data:image/jpeg;base64,{image})"


def _moment_of(name: str) -> Fraction:
    found = _MOMENT.search(name)
    return Fraction(int(found[1]), 1000) if found else Fraction(0)


def _nearest(shot: TimeRange, moments: list[Fraction]) -> Fraction:
    """Return the first thumbnail within the shot, else the last one before it."""
    within = [moment for moment in moments if shot.contains(moment)]
    return within[0] if within else moments[max(0, bisect_right(moments, shot.start) - 1)]


def _blank(shots: int) -> Image.Image:
    width, height = _CELL
    rows = -(-shots // _COLUMNS)
    return Image.new("RGB", (width * min(shots, _COLUMNS), (height + _CAPTION) * rows), "white")


def _paste(strip: Image.Image, number: int, jpeg: bytes, caption: str) -> None:
    width, height = _CELL
    row, column = divmod(number, _COLUMNS)
    left, top = column * width, row * (height + _CAPTION)
    with Image.open(io.BytesIO(jpeg)) as thumbnail:
        thumbnail.thumbnail((width - _GAP, height))
        strip.paste(thumbnail, (left, top + height - thumbnail.height))
    ImageDraw.Draw(strip).text(
        (left, top + height + 1), caption, fill="black", font_size=_FONT_SIZE
    )


def _small_jpeg(strip: Image.Image) -> bytes:
    for quality in (75, 60, 45, 30, 15):
        out = io.BytesIO()
        strip.save(out, "JPEG", quality=quality)
        if out.tell() <= _MOST_BYTES:
            return out.getvalue()
    smaller = strip.resize((strip.width // 2, strip.height // 2))
    return _small_jpeg(smaller)
