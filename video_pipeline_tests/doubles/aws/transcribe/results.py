"""The speech in a media file, and the result file that Transcribe makes of it.

Times and confidences are strings, as the vendor writes them. Punctuation has no times, and
the confidence 0.0.
"""

import itertools
import math
from typing import Any

from pydantic import Field

from video_pipeline.domain.values import Frozen

_SENTENCE_WORDS = 6
_WORDS = ("every", "morning", "the", "ferry", "crosses", "quietly")
_ENTITY = "NAME"


class Speech(Frozen):
    """Evenly spaced words in sentences of six. Each sentence has the next speaker and language."""

    seconds: float = Field(default=60, gt=0)
    words: int = Field(default=60, ge=0)
    speakers: int = Field(default=2, ge=1)
    languages: tuple[str, ...] = ("en-US",)

    @property
    def billed_seconds(self) -> int:
        """Return the billed seconds, rounded up to whole seconds."""
        return math.ceil(self.seconds)


def result(name: str, account: str, request: dict[str, Any], speech: Speech) -> dict[str, Any]:
    """Return the result file of a job for its request, without redaction."""
    settings = request.get("Settings", {})
    spoken = [_word(speech, number) for number in range(speech.words)]
    sentences = [spoken[at : at + _SENTENCE_WORDS] for at in range(0, len(spoken), _SENTENCE_WORDS)]
    items: list[dict[str, Any]] = []
    segments: list[dict[str, Any]] = []
    audio: list[dict[str, Any]] = []
    most = min(speech.speakers, settings.get("MaxSpeakerLabels", speech.speakers))
    for number, sentence in enumerate(sentences):
        speaker = f"spk_{number % most}" if settings.get("ShowSpeakerLabels") else None
        language = speech.languages[number % len(speech.languages)]
        tagged = language if request.get("IdentifyMultipleLanguages") else None
        first = len(items)
        items += _items(sentence, first, speaker, tagged)
        audio.append(_audio(number, sentence, range(first, len(items)), speaker, tagged))
        if speaker:
            segments.append(_segment(sentence, speaker))
    text = " ".join(part["transcript"] for part in audio)
    results: dict[str, Any] = {
        "transcripts": [{"transcript": text}],
        "items": items,
        "audio_segments": audio,
    }
    if settings.get("ShowSpeakerLabels"):
        results["speaker_labels"] = {"speakers": most, "segments": segments}
    results |= _languages(request, speech)
    return {"jobName": name, "accountId": account, "status": "COMPLETED", "results": results}


def redacted(told: dict[str, Any]) -> dict[str, Any]:
    """Return the result file with the last word of each sentence redacted as personal data."""
    results = told["results"]
    items = [dict(item) for item in results["items"]]
    for item, then in itertools.pairwise(items):
        if then["type"] == "punctuation":
            sure = item["alternatives"][0]["confidence"]
            found = [{"confidence": sure, "type": _ENTITY, "category": "PII"}]
            item["alternatives"] = [{"content": "[PII]", "redactions": found}]
    text = results["transcripts"][0]["transcript"].replace(f"{_WORDS[-1]}.", "[PII].")
    changed = results | {"items": items, "transcripts": [{"transcript": text}]}
    return told | {"isRedacted": True, "results": changed}


def _word(speech: Speech, number: int) -> dict[str, Any]:
    each = speech.seconds / speech.words
    return {
        "type": "pronunciation",
        "alternatives": [{"confidence": f"0.{900 + number % 100}", "content": _said(number)}],
        "start_time": f"{number * each:.3f}",
        "end_time": f"{(number + 0.8) * each:.3f}",
    }


def _said(number: int) -> str:
    word = _WORDS[number % len(_WORDS)]
    return word.capitalize() if number % _SENTENCE_WORDS == 0 else word


def _items(
    sentence: list[dict[str, Any]], first: int, speaker: str | None, language: str | None
) -> list[dict[str, Any]]:
    stop = {"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": "."}]}
    tags = {"speaker_label": speaker, "language_code": language}
    more = {name: value for name, value in tags.items() if value}
    return [{"id": first + n, **item, **more} for n, item in enumerate([*sentence, stop])]


def _audio(
    number: int,
    sentence: list[dict[str, Any]],
    items: range,
    speaker: str | None,
    language: str | None,
) -> dict[str, Any]:
    said = " ".join(word["alternatives"][0]["content"] for word in sentence)
    tags = {"speaker_label": speaker, "language_code": language}
    return {
        "id": number,
        "transcript": f"{said}.",
        "start_time": sentence[0]["start_time"],
        "end_time": sentence[-1]["end_time"],
        "items": list(items),
        **{name: value for name, value in tags.items() if value},
    }


def _segment(sentence: list[dict[str, Any]], speaker: str) -> dict[str, Any]:
    times = [{name: word[name] for name in ("start_time", "end_time")} for word in sentence]
    return {
        "start_time": sentence[0]["start_time"],
        "end_time": sentence[-1]["end_time"],
        "speaker_label": speaker,
        "items": [{"speaker_label": speaker, **time} for time in times],
    }


def _languages(request: dict[str, Any], speech: Speech) -> dict[str, Any]:
    """Return the identified languages. They share the seconds evenly, as they share sentences."""
    if request.get("IdentifyMultipleLanguages"):
        share = speech.seconds / len(speech.languages)
        return {
            "language_codes": [
                {"language_code": code, "duration_in_seconds": share} for code in speech.languages
            ]
        }
    if request.get("IdentifyLanguage"):
        found = [{"score": "0.9731", "code": speech.languages[0]}]
        return {"language_code": speech.languages[0], "language_identification": found}
    return {}
