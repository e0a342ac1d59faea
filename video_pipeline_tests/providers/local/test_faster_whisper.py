"""Words of the narrated talk by real models, offline; and what raw pages become."""

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from video_pipeline.domain.errors import ConfigurationError, FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import WorkRequest, WorkUnit
from video_pipeline.plugins.conformance import TranscriptionConformance
from video_pipeline.plugins.inputs import AUDIO_RATE, Audio, Inputs
from video_pipeline.providers.local.speech.faster_whisper import (
    FasterWhisperOptions,
    FasterWhisperPlugin,
)
from video_pipeline.providers.local.speech.whole_words import SHORTEST
from video_pipeline.samples import drawn, truth_of

Listen = Callable[[Path], tuple[MediaInfo, Audio]]
RequestFor = Callable[..., WorkRequest]
UnitOf = Callable[[WorkRequest], WorkUnit]

TALK, TRAILER = drawn()


@pytest.fixture
def whisper(model_cache: Path) -> Callable[..., FasterWhisperPlugin]:
    """A plugin with options, its models put together in a folder of the tests."""

    def make(**options: Any) -> FasterWhisperPlugin:
        return FasterWhisperPlugin(FasterWhisperOptions(cache_folder=str(model_cache), **options))

    return make


class TestConformance(TranscriptionConformance):
    @pytest.fixture
    def plugin(self, model_cache: Path) -> FasterWhisperPlugin:
        return FasterWhisperPlugin(
            FasterWhisperOptions(model="tiny.en", cache_folder=str(model_cache))
        )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def _word_errors(said: list[str], heard: list[str]) -> int:
    """The least number of words to put in, leave out or replace."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (word != other))
    return row[-1]


@pytest.mark.parametrize("model", ["base", "tiny.en"])
def test_the_narration_is_understood_and_timed(
    whisper: Any, listen: Listen, request_for: RequestFor, unit_of: UnitOf, model: str
) -> None:
    """Measured: one word in 67 differs, with either model."""
    plugin, request = whisper(model=model), request_for(Phase.TRANSCRIPT)
    media, audio = listen(TALK)
    told: list[float] = []
    pages = list(plugin.call(unit_of(request), Inputs(audio=audio), told.append))
    transcript = plugin.normalise(request, media, pages)
    truth = truth_of(TALK)
    said = _words(truth.text)
    heard = [piece for word in transcript.words for piece in _words(word.text)]
    assert _word_errors(said, heard) <= 0.05 * len(said)
    assert transcript.language == "en"
    assert told == sorted(told) and 0.9 < told[-1] <= 1
    assert all(word.confidence is not None for word in transcript.words)
    timeline = next(word for word in transcript.words if word.text.startswith("timeline"))
    spoken = next(part.range for part in truth.speech if "timeline" in part.text)
    assert spoken.contains(timeline.range.start)


def test_music_without_speech_gives_an_empty_transcript(
    whisper: Any, listen: Listen, request_for: RequestFor, unit_of: UnitOf
) -> None:
    plugin, request = whisper(model="tiny.en"), request_for(Phase.TRANSCRIPT)
    media, audio = listen(TRAILER)
    pages = plugin.call(unit_of(request), Inputs(audio=audio), lambda fraction: None)
    transcript = plugin.normalise(request, media, pages)
    assert (transcript.language, transcript.segments) == (None, ())


@pytest.mark.parametrize("samples", [0, 40, 3 * AUDIO_RATE])
def test_silence_of_any_length_gives_an_empty_transcript(
    whisper: Any,
    tmp_path: Path,
    request_for: RequestFor,
    unit_of: UnitOf,
    media: MediaInfo,
    samples: int,
) -> None:
    sound = tmp_path / "silence.s16"
    np.zeros(samples, "<i2").tofile(sound)
    plugin, request = whisper(model="tiny.en"), request_for(Phase.TRANSCRIPT)
    audio = Audio(path=sound, samples=samples)
    pages = plugin.call(unit_of(request), Inputs(audio=audio), lambda fraction: None)
    assert plugin.normalise(request, media, pages).segments == ()


def test_cancellation_stops_transcription_and_propagates(
    whisper: Any, listen: Listen, request_for: RequestFor, unit_of: UnitOf
) -> None:
    class Stopped(RuntimeError):
        pass

    def stop(fraction: float) -> None:
        raise Stopped

    _, audio = listen(TALK)
    unit = unit_of(request_for(Phase.TRANSCRIPT))
    with pytest.raises(Stopped):
        list(whisper(model="tiny.en").call(unit, Inputs(audio=audio), stop))


def test_a_language_that_whisper_does_not_know_is_unsupported(
    whisper: Any, listen: Listen, request_for: RequestFor, unit_of: UnitOf
) -> None:
    _, audio = listen(TALK)
    unit = unit_of(request_for(Phase.TRANSCRIPT, language="qq"))
    with pytest.raises(ProviderError) as refused:
        list(whisper().call(unit, Inputs(audio=audio), lambda fraction: None))
    assert refused.value.category is FailureCategory.UNSUPPORTED
    assert not refused.value.accepted


def test_a_model_that_is_neither_known_nor_a_folder_is_named(
    tmp_path: Path, listen: Listen, request_for: RequestFor, unit_of: UnitOf
) -> None:
    _, audio = listen(TALK)
    plugin = FasterWhisperPlugin(FasterWhisperOptions(model=str(tmp_path / "mine")))
    with pytest.raises(ConfigurationError, match=r"mine.*model\.bin"):
        list(plugin.call(unit_of(request_for(Phase.TRANSCRIPT)), Inputs(audio=audio), print))


def test_models_folder_is_not_part_of_the_choice(whisper: Any) -> None:
    dumped = whisper(model="tiny.en").options.model_dump()
    assert "cache_folder" not in dumped and "models_folder" not in dumped
    assert whisper(model="tiny.en").model != whisper(model="base").model


def _pages(segments: list[dict[str, Any]], start: str = "1/2", duration: str = "4") -> list[bytes]:
    header = {"start": start, "duration": duration, "language": "en", "language_confidence": 0.5}
    return [json.dumps(header).encode(), json.dumps(segments).encode()]


def _said(*words: tuple[str, float, float]) -> dict[str, Any]:
    return {
        "text": " ".join(text for text, *_ in words),
        "start": words[0][1],
        "end": words[-1][2],
        "words": [
            {"text": text, "start": start, "end": end, "probability": 1.0000001}
            for text, start, end in words
        ],
    }


def test_times_are_rounded_to_milliseconds_of_the_video(
    request_for: RequestFor, media: MediaInfo
) -> None:
    pages = _pages([_said((" Good", 0.1 + 0.2, 0.5004999999999999))])
    (word,) = FasterWhisperPlugin().normalise(request_for(Phase.TRANSCRIPT), media, pages).words
    assert word.text == "Good"
    assert (word.range.start, word.range.end) == (Fraction(800, 1000), Fraction(1000, 1000))
    assert word.confidence == 1


def test_words_stay_within_the_audio_and_in_order(
    request_for: RequestFor, media: MediaInfo
) -> None:
    pages = _pages([_said((" a", -1.0, 2.0), (" b", 1.0, 0.5), (" c", 0.2, 99.0), (" ", 3.0, 4.0))])
    words = FasterWhisperPlugin().normalise(request_for(Phase.TRANSCRIPT), media, pages).words
    half = Fraction(1, 2)
    assert [(w.text, w.range.start, w.range.end) for w in words] == [
        ("a", half, 1 + half),
        ("b", 1 + half, 1 + half + SHORTEST),
        ("c", 1 + half + SHORTEST, 4 + half),
    ]


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([], id="none"),
        pytest.param([b"{}"], id="a header without its facts"),
        pytest.param([*_pages([])[:1], b'{"text": "x"}'], id="a page that is no list"),
        pytest.param([*_pages([])[:1], b'[{"text": "x", "start": NaN, "end": 1}]'], id="no number"),
    ],
)
def test_pages_that_cannot_be_read_are_malformed(
    request_for: RequestFor, media: MediaInfo, pages: list[bytes]
) -> None:
    with pytest.raises(ProviderError) as refused:
        FasterWhisperPlugin().normalise(request_for(Phase.TRANSCRIPT), media, pages)
    assert refused.value.category is FailureCategory.MALFORMED_RESULT
