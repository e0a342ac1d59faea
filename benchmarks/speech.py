"""Measure how well speech is transcribed, on labelled recordings and on sounds without speech.

    VIDEO_PIPELINE_TEST_MEDIA=FOLDER ./run bench speech [--json FILE]

The folder has bench/labels/speech.json, the recordings that it names, and bench/nonspeech. Every
way has the same model, one thread and the same samples, and finds out the language by itself.

`rate` is errors in a hundred words; without speech it is invented words a minute. `first six` is
how many of the first six words of each recording were lost. Texts are compared without case and
punctuation, with numbers up to twelve as words. CPU time is that of the transcription, speech
activity included, as a ratio to the defaults of faster-whisper.
"""

import json
import re
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import psutil

from benchmarks.reel import footage
from benchmarks.report import Report
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.plugins.inputs import Audio, Inputs
from video_pipeline.providers.local.models import Models
from video_pipeline.providers.local.speech.faster_whisper import (
    FasterWhisperOptions,
    FasterWhisperPlugin,
)
from video_pipeline_tests.providers.conftest import new_request, new_unit

_MODEL = "base"
_FIRST = 6
_NONE = "(none)"
_NUMBERS = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici",
}

Way = Callable[[MediaInfo, Audio], str]


@dataclass(frozen=True)
class Recording:
    """A file, its language and what is said in it."""

    path: Path
    language: str = _NONE
    text: str = ""


@dataclass
class Score:
    """Errors among the words of a language, and words lost at the beginnings."""

    words: int = 0
    errors: int = 0
    lost: int = 0
    seconds: Fraction = field(default_factory=Fraction)

    def add(self, said: Sequence[str], heard: Sequence[str], seconds: Fraction) -> None:
        errors, right = _compared(said, heard)
        self.words += len(said)
        self.errors += errors
        self.lost += sum(at not in right for at in range(min(_FIRST, len(said))))
        self.seconds += seconds

    @property
    def rate(self) -> float:
        share = self.errors * 100 / self.words if self.words else self.errors * 60 / self.seconds
        return round(float(share), 1)


def main() -> None:
    """Print a line a way and language: words, errors, their rate, and the CPU ratio of the way."""
    report = Report(__doc__, "way", "language", "words", "errors", "rate", "first six", "CPU ratio")
    recordings, reader = _recordings(footage()), ChildMediaReader()
    with tempfile.TemporaryDirectory() as folder:
        heard = [(one, *_audio(reader, one.path, Path(folder))) for one in recordings]
        theirs = 0.0
        for name, way in _ways().items():
            scores, cpu = _measured(name, way, heard)
            theirs = theirs or cpu
            for language, score in scores.items():
                report.row(name, language, score.words, score.errors, score.rate, score.lost, "")
            report.row(name, "all", *_all(scores.values()), round(cpu / theirs, 2))
    report.end()


def _recordings(media: Path) -> list[Recording]:
    labels = json.loads((media / "bench/labels/speech.json").read_text())
    spoken = [
        Recording(media / "bench" / one["file"], one["language"], one["text"])
        for one in labels["files"]
        if one["text"]
    ]
    silent = sorted((media / "bench/nonspeech").iterdir())
    return [*sorted(spoken, key=lambda one: one.language), *map(Recording, silent)]


def _audio(reader: ChildMediaReader, path: Path, folder: Path) -> tuple[MediaInfo, Audio]:
    with path.open("rb") as source:
        media = reader.probe(source, "0" * 64)
        return media, reader.audio(source, media, folder / path.name)


def _ways() -> dict[str, Way]:
    return {
        "defaults": _defaults(),
        "beam 1": _ours(FasterWhisperOptions(model=_MODEL, beam_size=1)),
        "beam 5": _ours(FasterWhisperOptions(model=_MODEL, beam_size=5)),
    }


def _defaults() -> Way:
    """Return the library as it comes: beam 5, fallback temperatures, and its filter of speech."""
    from faster_whisper import WhisperModel

    folder = str(Models(None, None).find(_MODEL))
    whisper = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1)

    def hear(media: MediaInfo, audio: Audio) -> str:
        segments: Any = whisper.transcribe(audio.read(), vad_filter=True)[0]
        return " ".join(segment.text for segment in segments)

    return hear


def _ours(options: FasterWhisperOptions) -> Way:
    plugin, request = FasterWhisperPlugin(options), new_request(Phase.TRANSCRIPT)

    def hear(media: MediaInfo, audio: Audio) -> str:
        pages = plugin.call(new_unit(request), Inputs(audio=audio), lambda fraction: None)
        segments = plugin.normalise(request, media, pages).segments
        return " ".join(segment.text for segment in segments)

    return hear


def _measured(
    name: str, way: Way, heard: Sequence[tuple[Recording, MediaInfo, Audio]]
) -> tuple[dict[str, Score], float]:
    """Return the scores by language, and the CPU seconds with the model loaded."""
    scores: dict[str, Score] = {}
    # Loads the model.
    way(*heard[0][1:])
    before = _cpu()
    for recording, media, audio in heard:
        print(f"{name}: {recording.path.name}", file=sys.stderr, flush=True)
        score = scores.setdefault(recording.language, Score())
        said, found = (
            _plain(text, recording.language) for text in (recording.text, way(media, audio))
        )
        score.add(said, found, audio.duration)
    return scores, _cpu() - before


def _all(scores: Any) -> tuple[int, int, float, int]:
    spoken = [score for score in scores if score.words]
    words, errors, lost = (
        sum(getattr(score, name) for score in spoken) for name in ("words", "errors", "lost")
    )
    return words, errors, Score(words, errors).rate, lost


def _plain(text: str, language: str) -> list[str]:
    """Return the words without case and punctuation, and small numbers as words."""
    numbers = _NUMBERS.get(language, "").split()
    bare = re.sub(r"['’]", "", unicodedata.normalize("NFKC", text).casefold())
    return [
        numbers[int(word)] if word.isdecimal() and int(word) < len(numbers) else word
        for word in re.findall(r"\w+", bare)
    ]


def _compared(said: Sequence[str], heard: Sequence[str]) -> tuple[int, set[int]]:
    """Return the least errors that make one text of the other, and which words are right."""
    rows = [list(range(len(heard) + 1))]
    for at, word in enumerate(said):
        row = [at + 1]
        for other, found in enumerate(heard):
            wrong = rows[-1][other] + (word != found)
            row.append(min(wrong, rows[-1][other + 1] + 1, row[-1] + 1))
        rows.append(row)
    at, other, right = len(said), len(heard), set[int]()
    while at and other:
        if rows[at][other] == rows[at - 1][other - 1] + (said[at - 1] != heard[other - 1]):
            at, other = at - 1, other - 1
            if said[at] == heard[other]:
                right.add(at)
        elif rows[at][other] == rows[at - 1][other] + 1:
            at -= 1
        else:
            other -= 1
    return rows[-1][-1], right


def _cpu() -> float:
    """Return the CPU seconds of this process and of the processes that it started."""
    own = psutil.Process()
    times = [one.cpu_times() for one in (own, *own.children(recursive=True))]
    return sum(each.user + each.system for each in times)


if __name__ == "__main__":
    main()
