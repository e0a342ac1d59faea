"""A filmstrip of a video's shots: one picture each, as a small image within markdown."""

import base64
import io
from fractions import Fraction

from PIL import Image, ImageDraw

from video_pipeline.domain.time import clock
from video_pipeline.pipeline.pictures.publication import folder_of, read_index
from video_pipeline.pipeline.pictures.sheets import Picture
from video_pipeline.pipeline.video_run import VideoRun

_SHOTS = 24
# Dagster's dialog takes up to four fifths of the window: 960 pixels fit into one of 1,280.
_COLUMNS = 4
_CELL = (240, 135)
_GAP, _CAPTION, _FONT_SIZE = 4, 24, 14
# Base64 within markdown takes a third more.
_MOST_BYTES = 44_000


def filmstrip(run: VideoRun) -> str | None:
    """Return markdown under 60 kB, or None without pictures.

    Without shots it has the first pictures.
    """
    index = read_index(run)
    if index is None or not index.pictures:
        return None
    of_shot = {picture.shot: picture for picture in reversed(index.pictures)}
    shown = sorted(of_shot.values(), key=_start) if None not in of_shot else index.pictures
    strip = _blank(len(shown[:_SHOTS]))
    for number, picture in enumerate(shown[:_SHOTS]):
        with run.outputs.open(f"{folder_of(run)}{picture.name}") as stored:
            _paste(strip, number, stored.read(), clock(picture.start))
    image = base64.b64encode(_small_jpeg(strip)).decode()
    return f"![the first shots](data:image/jpeg;base64,{image})"


def _start(picture: Picture) -> Fraction:
    return picture.start


def _blank(shots: int) -> Image.Image:
    width, height = _CELL
    rows = -(-shots // _COLUMNS)
    return Image.new("RGB", (width * min(shots, _COLUMNS), (height + _CAPTION) * rows), "white")


def _paste(strip: Image.Image, number: int, jpeg: bytes, caption: str) -> None:
    width, height = _CELL
    row, column = divmod(number, _COLUMNS)
    left, top = column * width, row * (height + _CAPTION)
    with Image.open(io.BytesIO(jpeg)) as picture:
        picture.thumbnail((width - _GAP, height))
        strip.paste(picture, (left, top + height - picture.height))
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
