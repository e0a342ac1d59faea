"""The trailer: animated scenes with cuts, a flash, a dissolve and a fade through black."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from video_pipeline.domain.time import FrameRate
from video_pipeline.samples.encode import Audio
from video_pipeline.samples.truth import Transition, Truth

RATE = Fraction(30_000, 1001)
AUDIO_RATE = 44_100
SIZE = (486, 204)

_FRAMES = 541
_CUTS = (97, 433)
_FLASH = (150, 152)
_DISSOLVE = (211, 236)
_FADE_OUT, _BLACK, _FADE_IN = 317, 329, 336
_FADED_IN = 348

Scene = Callable[[ImageDraw.ImageDraw, int], None]


def truth() -> Truth:
    """Return the ground truth. The shot after the fade begins while the image is black."""
    return Truth(
        frame_rate=FrameRate(per_second=RATE),
        frames=_FRAMES,
        transitions=(
            Transition(kind="cut", first=_CUTS[0], after=_CUTS[0] + 1),
            Transition(kind="dissolve", first=_DISSOLVE[0], after=_DISSOLVE[1]),
            Transition(kind="fade", first=_BLACK - 2, after=_FADE_IN + 2),
            Transition(kind="cut", first=_CUTS[1], after=_CUTS[1] + 1),
        ),
        flashes=(_FLASH,),
    )


def images() -> Iterator[Image.Image]:
    """Yield every frame."""
    for frame in range(_FRAMES):
        yield _image(frame)


def audio() -> Audio:
    """Return a slow chord that changes with the scenes, and a thump at the flash."""
    count = round(_FRAMES / RATE * AUDIO_RATE)
    at = np.arange(count) / AUDIO_RATE
    step = (at // 2.5).astype(int) % 4
    root = np.choose(step, (110.0, 130.81, 98.0, 146.83))
    phase = 2 * np.pi * np.cumsum(root) / AUDIO_RATE
    chord = np.sin(phase) + 0.6 * np.sin(1.5 * phase) + 0.4 * np.sin(2 * phase)
    since = at - float(_FLASH[0] / RATE)
    thump = np.where(since > 0, np.exp(-6 * np.abs(since)), 0) * np.sin(2 * np.pi * 55 * at)
    return (0.2 * chord + 0.4 * thump).astype(np.float32)


def _image(frame: int) -> Image.Image:
    first, after = _DISSOLVE
    if _FLASH[0] <= frame < _FLASH[1]:
        return Image.new("RGB", SIZE, "white")
    if first <= frame < after:
        part = (frame - first + 1) / (after - first + 1)
        return Image.blend(_drawn(_city, frame), _drawn(_shapes, frame), part)
    if _FADE_OUT <= frame < _FADED_IN:
        return _fading(frame)
    if frame < _CUTS[0]:
        return _drawn(_hills, frame)
    if frame < first:
        return _drawn(_city, frame)
    if frame < _FADE_OUT:
        return _drawn(_shapes, frame)
    return _drawn(_sea if frame < _CUTS[1] else _title, frame)


def _fading(frame: int) -> Image.Image:
    """Fade from the shapes to black, and from black to the sea."""
    black = Image.new("RGB", SIZE, "black")
    if frame < _BLACK:
        part = (frame - _FADE_OUT + 1) / (_BLACK - _FADE_OUT)
        return Image.blend(_drawn(_shapes, frame), black, part)
    if frame < _FADE_IN:
        return black
    part = (frame - _FADE_IN + 1) / (_FADED_IN - _FADE_IN + 1)
    return Image.blend(black, _drawn(_sea, frame), part)


def _drawn(scene: Scene, frame: int) -> Image.Image:
    image = Image.new("RGB", SIZE, "black")
    scene(ImageDraw.Draw(image), frame)
    return image


def _hills(draw: ImageDraw.ImageDraw, frame: int) -> None:
    draw.rectangle((0, 0, *SIZE), fill="#f4a261")
    sun = 110 - frame * 0.6
    draw.ellipse((200, sun, 270, sun + 70), fill="#ffe66d")
    for depth, ink in enumerate(("#8a5a83", "#4a4063", "#1d3557")):
        speed, base = 0.6 + depth * 0.9, 100 + depth * 28
        ridge = [
            (x, base + 18 * math.sin((x + frame * speed) / (50 - 9 * depth)))
            for x in range(0, SIZE[0] + 6, 6)
        ]
        draw.polygon([*ridge, (SIZE[0], SIZE[1]), (0, SIZE[1])], fill=ink)


def _city(draw: ImageDraw.ImageDraw, frame: int) -> None:
    draw.rectangle((0, 0, *SIZE), fill="#0b1026")
    for house in range(14):
        left, top = house * 40 - (frame * 0.5) % 40, 40 + (house * 53) % 80
        draw.rectangle((left, top, left + 32, SIZE[1]), fill="#1f2a52")
        for window in range(5):
            if (house * 7 + window * 3) % 4:
                spot = top + 8 + window * 18
                draw.rectangle((left + 6, spot, left + 14, spot + 8), fill="#f9d65c")
    for car in range(3):
        x = (frame * (3 + car) + car * 150) % (SIZE[0] + 40) - 40
        draw.rectangle((x, 180 - car * 4, x + 26, 190 - car * 4), fill="#e63946")


def _shapes(draw: ImageDraw.ImageDraw, frame: int) -> None:
    draw.rectangle((0, 0, *SIZE), fill="#e9f5db")
    for shape in range(6):
        x = 60 + 70 * shape + 24 * math.sin(frame / 11 + shape)
        y = 100 + 50 * math.sin(frame / 14 + 2 * shape)
        size = 24 + 4 * shape
        ink = ("#d00000", "#3f37c9", "#2d6a4f")[shape % 3]
        draw.ellipse((x - size, y - size, x + size, y + size), fill=ink)


def _sea(draw: ImageDraw.ImageDraw, frame: int) -> None:
    draw.rectangle((0, 0, *SIZE), fill="#90e0ef")
    draw.ellipse((380, 20, 430, 70), fill="#ffb703")
    for wave in range(4):
        base = 90 + wave * 28
        crest = [
            (x, base + 9 * math.sin((x + frame * (1.5 + wave)) / 28 + wave))
            for x in range(0, SIZE[0] + 6, 6)
        ]
        ink = ("#48cae4", "#0096c7", "#0077b6", "#023e8a")[wave]
        draw.polygon([*crest, (SIZE[0], SIZE[1]), (0, SIZE[1])], fill=ink)


def _title(draw: ImageDraw.ImageDraw, frame: int) -> None:
    draw.rectangle((0, 0, *SIZE), fill="#370617")
    since = frame - _CUTS[1]
    draw.text((60 + since // 3, 70), "Coming soon", fill="#faa307", font=ImageFont.load_default(56))
    draw.line((60, 150, 60 + since * 3, 150), fill="#faa307", width=4)
