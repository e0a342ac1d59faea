"""Sheets of tiles, and the track that covers the whole video."""

import io
import re
from fractions import Fraction

import pytest
from PIL import Image

from video_pipeline.domain.time import TimeRange
from video_pipeline.pipeline.pictures.sheets import Picture, sheets, tiles, track


def jpeg(shade: int, size: tuple[int, int] = (320, 180)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(out, "JPEG")
    return out.getvalue()


def test_tiles_fill_rows_and_sheets() -> None:
    found = tiles(205, (1920, 1080))
    assert {(tile.width, tile.height) for tile in found} == {(160, 90)}
    assert [(t.sheet, t.x, t.y) for t in (found[0], found[11], found[99], found[204])] == [
        ("sprite-1.jpg", 0, 0),
        ("sprite-1.jpg", 160, 90),
        ("sprite-1.jpg", 1440, 810),
        ("sprite-3.jpg", 640, 0),
    ]


@pytest.mark.parametrize(
    ("shape", "height"), [((1080, 1920), 284), ((8000, 8), 2), ((8, 8000), 640)]
)
def test_tiles_keep_the_shape_within_bounds(shape, height) -> None:
    assert [tile.height for tile in tiles(1, shape)] == [height]


def test_each_sheet_holds_its_tiles() -> None:
    places = tiles(103, (320, 180))
    made = list(sheets((tile, jpeg(2 * n)) for n, tile in enumerate(places)))
    assert [sheet.name for sheet in made] == ["sprite-1.jpg", "sprite-2.jpg"]
    with (
        Image.open(io.BytesIO(made[0].jpeg)) as first,
        Image.open(io.BytesIO(made[1].jpeg)) as last,
    ):
        assert (first.size, last.size) == ((1600, 900), (480, 90))
        tile = places[57]
        shade = first.convert("L").getpixel((tile.x + 80, tile.y + 45))
    assert isinstance(shade, int) and abs(shade - 114) <= 2


def _pictures(*starts: str) -> list[Picture]:
    moments = [Fraction(start) for start in starts]
    return [
        Picture(
            name=f"{n}.jpg", at=start, shot=n, start=start, end=start + Fraction(1, 25), tile=tile
        )
        for (n, start), tile in zip(enumerate(moments), tiles(len(moments), (4, 3)), strict=True)
    ]


@pytest.mark.parametrize(
    ("starts", "length", "expected"),
    [
        (["0", "2", "7/2"], 5, [(0, 2000, 0), (2000, 3500, 160), (3500, 5000, 320)]),
        (["1", "3"], 36_001, [(0, 3000, 0), (3000, 36_001_000, 160)]),
        (["0", "1/3", "1001/3000"], 1, [(0, 333, 0), (333, 334, 160), (334, 1000, 320)]),
        (["0", "1", "1"], 2, [(0, 1000, 0), (1000, 2000, 320)]),
        (["0", "3"], 2, [(0, 3000, 0)]),
        (["0", "2", "1"], 4, [(0, 2000, 0), (2000, 4000, 320)]),
        ([], 2, []),
    ],
)
def test_track_covers_the_video_without_gaps(starts, length, expected) -> None:
    text = track(_pictures(*starts), Fraction(length))
    assert text.startswith("WEBVTT\n")
    cue = r"(\d\d+):(\d\d):(\d\d)\.(\d{3})"
    found = re.findall(rf"\n{cue} --> {cue}\nsprite\.jpg#xywh=(\d+),0,160,120\n", text)
    assert [(_ms(one[:4]), _ms(one[4:8]), int(one[8])) for one in found] == expected


def _ms(clock: tuple[str, ...]) -> int:
    hours, minutes, seconds, rest = map(int, clock)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def test_picture_keeps_its_exact_range() -> None:
    (picture,) = _pictures("1001/30000")
    again = Picture.model_validate_json(picture.model_dump_json())
    assert TimeRange(start=again.start, end=again.end).duration == Fraction(1, 25)
