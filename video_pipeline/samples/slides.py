"""The slide talk: five slides, a moving pointer, one spoken sentence after another."""

import math
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from video_pipeline.domain.time import FrameRate, TimeRange
from video_pipeline.samples.encode import Audio
from video_pipeline.samples.narrate import TALK
from video_pipeline.samples.truth import Spoken, Transition, Truth

RATE = Fraction(25)
AUDIO_RATE = 22_050
SIZE = (640, 360)
_PAUSE = AUDIO_RATE * 2 // 5

# Title, line, background and ink of each slide.
_SLIDES = (
    ("From video to timeline", "a short talk", "#14213d", "#fca311"),
    ("What we start from", "a row of still pictures", "#fefae0", "#283618"),
    ("The cut", "the picture changes at once", "#9d0208", "#ffffff"),
    ("The words", "each begins and ends somewhere", "#d8f3dc", "#1b4332"),
    ("Thank you", "see you next time", "#240046", "#ff9e00"),
)


@dataclass(frozen=True, slots=True)
class Talk:
    """The arranged narration: audio, frames of each slide, and times of each sentence."""

    audio: Audio
    frames: tuple[int, ...]
    speech: tuple[Spoken, ...]

    @property
    def truth(self) -> Truth:
        """Return the ground truth of the video."""
        begins = list(accumulate(self.frames))
        return Truth(
            frame_rate=FrameRate(per_second=RATE),
            frames=begins[-1],
            transitions=tuple(
                Transition(kind="cut", first=frame, after=frame + 1) for frame in begins[:-1]
            ),
            speech=self.speech,
        )


def lay_out(narration: Path) -> Talk:
    """Arrange the sentences' audio files, with a whole number of frames for each slide."""
    audio: list[Audio] = []
    frames: list[int] = []
    speech: list[Spoken] = []
    at = 0
    for slide, sentences in enumerate(TALK):
        began = at
        for number, sentence in enumerate(sentences):
            voice = _read(narration / f"{slide}-{number}.wav")
            start, at = at + _PAUSE, at + _PAUSE + len(voice)
            audio += [np.zeros(_PAUSE, np.float32), voice]
            span = TimeRange(start=Fraction(start, AUDIO_RATE), end=Fraction(at, AUDIO_RATE))
            speech.append(Spoken(text=sentence, range=span))
        stands = math.ceil((at + _PAUSE - began) / AUDIO_RATE * RATE)
        rest = began + round(stands * AUDIO_RATE / RATE) - at
        audio.append(np.zeros(rest, np.float32))
        frames.append(stands)
        at += rest
    return Talk(np.concatenate(audio), tuple(frames), tuple(speech))


def images(talk: Talk) -> Iterator[Image.Image]:
    """Yield every frame."""
    for slide, count in enumerate(talk.frames):
        still = _slide(slide)
        for frame in range(count):
            yield _pointed(still, slide, frame)


def _read(path: Path) -> Audio:
    with wave.open(str(path), "rb") as audio:
        samples = np.frombuffer(audio.readframes(audio.getnframes()), "<i2")
    return samples.astype(np.float32) / np.float32(32768)


def _slide(number: int) -> Image.Image:
    title, line, ground, ink = _SLIDES[number]
    image = Image.new("RGB", SIZE, ground)
    draw = ImageDraw.Draw(image)
    draw.text((40, 36), title, fill=ink, font=ImageFont.load_default(40))
    draw.text((40, 96), line, fill=ink, font=ImageFont.load_default(22))
    for box in range(4 + number):
        left = 40 + box * 560 // (4 + number)
        height = 40 + 70 * ((box * (number + 2)) % 5) // 4
        draw.rectangle((left, 300 - height, left + 48, 300), outline=ink, width=3)
    draw.text((590, 330), str(number + 1), fill=ink, font=ImageFont.load_default(16))
    return image


def _pointed(still: Image.Image, slide: int, frame: int) -> Image.Image:
    """Return the slide with the pointer of this frame."""
    image = still.copy()
    x = 320 + 230 * math.sin(frame / 23 + slide)
    y = 220 + 70 * math.sin(frame / 17 + 2 * slide)
    ImageDraw.Draw(image).ellipse((x - 7, y - 7, x + 7, y + 7), fill="#ef233c", outline="white")
    return image
