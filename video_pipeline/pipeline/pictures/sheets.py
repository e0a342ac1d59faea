"""Sheets of small pictures, and the WebVTT track that maps times to tiles of them."""

import io
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

from PIL import Image

from video_pipeline.domain.time import clock
from video_pipeline.domain.values import Frozen, Rational
from video_pipeline.media.shape import even_height

_TILE_WIDTH = 160
# JPEG ends at 65,500 pixels.
_TALLEST = 4 * _TILE_WIDTH
_COLUMNS = _ROWS = 10
_QUALITY = 75
# WebVTT writes hours in two digits or more.
_CLOCK_LENGTH = len("00:00:00.000")


class Tile(Frozen):
    """The place of a small picture: its sheet, and its rectangle there in pixels."""

    sheet: str
    x: int
    y: int
    width: int
    height: int


class Picture(Frozen):
    """A picture, the shot that it shows, and the stretch of the video that it stands for."""

    name: str
    at: Rational
    shot: int | None
    """The number of its shot from 0; None where the video has no shots."""
    start: Rational
    end: Rational
    tile: Tile


class Index(Frozen):
    """All pictures of a video, in order."""

    content: str
    """The SHA-256 of the source."""
    pictures: tuple[Picture, ...]


class Sheet(NamedTuple):
    """A sheet as JPEG."""

    name: str
    jpeg: bytes


def tiles(count: int, shape: tuple[int, int]) -> list[Tile]:
    """Return the places of so many pictures of this shape, sheet after sheet."""
    height = min(_TALLEST, even_height(_TILE_WIDTH, shape))
    size, found = _COLUMNS * _ROWS, list[Tile]()
    for number in range(count):
        sheet, place = divmod(number, size)
        row, column = divmod(place, _COLUMNS)
        name = f"sprite-{sheet + 1}.jpg" if count > size else "sprite.jpg"
        x, y = column * _TILE_WIDTH, row * height
        found.append(Tile(sheet=name, x=x, y=y, width=_TILE_WIDTH, height=height))
    return found


def sheets(pictures: Iterable[tuple[Tile, bytes]]) -> Iterator[Sheet]:
    """Yield the sheets of pictures that come in the order of their tiles."""
    name, placed = "", list[tuple[Tile, Image.Image]]()
    for tile, jpeg in pictures:
        if tile.sheet != name and placed:
            yield _sheet(name, placed)
            placed = []
        name = tile.sheet
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:
            placed.append((tile, picture.resize((tile.width, tile.height))))
    if placed:
        yield _sheet(name, placed)


def _sheet(name: str, placed: Sequence[tuple[Tile, Image.Image]]) -> Sheet:
    width = max(tile.x + tile.width for tile, _ in placed)
    height = max(tile.y + tile.height for tile, _ in placed)
    image = Image.new("RGB", (width, height))
    for tile, picture in placed:
        image.paste(picture, (tile.x, tile.y))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return Sheet(name, out.getvalue())


def track(pictures: Sequence[Picture], length: Fraction) -> str:
    """Return the track from zero to the end. A picture is shown until the next one's stretch."""
    starts = [round(picture.start * 1000) for picture in pictures]
    # Each at least as late as the last: a provider's shots may overlap.
    edges = list(accumulate([0, *starts[1:], round(length * 1000)], max)) if pictures else []
    cues = [
        f"\n{_clock(start)} --> {_clock(end)}\n{tile.sheet}#xywh={tile.x},{tile.y},"
        f"{tile.width},{tile.height}\n"
        for (start, end), tile in zip(pairwise(edges), (one.tile for one in pictures), strict=True)
        if start < end
    ]
    return "".join(["WEBVTT\n", *cues])


def _clock(milliseconds: int) -> str:
    return clock(Fraction(milliseconds, 1000)).zfill(_CLOCK_LENGTH)
