"""The labelled media of the benchmark of truth: read, decoded and transcribed once."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.results.transcript import Segment, Transcript
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.media.reader import DecodeEnd, FedFrames
from video_pipeline.pipeline.signals.measure import FEED, PictureMeter, measure_sound
from video_pipeline.plugins import registry
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import Audio, Inputs
from video_pipeline.plugins.signals import LOUDNESS_STEP, PictureSignals, SoundSignals
from video_pipeline.providers.local.speech.faster_whisper import (
    FasterWhisperOptions,
    FasterWhisperPlugin,
)

_NOW = datetime(2026, 12, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Film:
    """A clip with labelled shots."""

    name: str
    media: MediaInfo
    pictures: PictureSignals
    shots: tuple[Marker, ...]
    cuts: tuple[Fraction, ...]
    """The labelled hard cuts."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording with its transcript by the local model."""

    name: str
    media: MediaInfo
    sound: SoundSignals
    transcript: Transcript
    asked: Capabilities


def films(media: Path) -> list[Film]:
    """Decode every labelled clip."""
    clips = json.loads((media / "labels" / "shots.json").read_text())["clips"]
    return [_film(media / clip["file"], clip) for clip in clips]


def _film(file: Path, clip: dict[str, Any]) -> Film:
    reader = ChildMediaReader()
    with file.open("rb") as opened:
        media = reader.probe(opened, hashlib.sha256(file.read_bytes()).hexdigest())
        meter, pictures = PictureMeter(), None
        for found in reader.decode(opened, media, [FEED]):
            if isinstance(found, FedFrames):
                meter.feed(found.batch)
            elif isinstance(found, DecodeEnd):
                pictures = meter.finish(media.sha256, found.decoded)
    assert pictures is not None
    media = media.lasting(pictures.decoded)
    return Film(file.stem, media, pictures, _shots(clip, pictures, media), _cuts(clip, pictures))


def _shots(clip: dict[str, Any], pictures: PictureSignals, media: MediaInfo) -> tuple[Marker, ...]:
    """Return the labelled shots. A gradual change is a boundary at its middle."""
    cuts = [pictures.start_of((one["start"] + one["end"]) // 2) for one in clip["boundaries"]]
    borders = [Fraction(0), *cuts, media.duration]
    return tuple(
        Marker(kind=Kind.SHOT, range=TimeRange(start=start, end=end))
        for start, end in pairwise(borders)
    )


def _cuts(clip: dict[str, Any], pictures: PictureSignals) -> tuple[Fraction, ...]:
    hard = (one for one in clip["boundaries"] if one["kind"] == "cut")
    return tuple(pictures.start_of(one["start"]) for one in hard)


def recordings(files: Sequence[Path], scratch: Path) -> list[Recording]:
    """Transcribe recordings with the local model."""
    plugin = FasterWhisperPlugin(FasterWhisperOptions(cache_folder=str(scratch / "models")))
    return [_recording(file, scratch, plugin) for file in files]


def _recording(file: Path, scratch: Path, plugin: FasterWhisperPlugin) -> Recording:
    reader, raw = ChildMediaReader(), scratch / f"{file.stem}.s16"
    with file.open("rb") as opened:
        media = reader.probe(opened, hashlib.sha256(file.read_bytes()).hexdigest())
        audio = reader.audio(opened, media, raw)
    sound = measure_sound(media.sha256, audio, registry.speech_detector() or _speech)
    request = _request(plugin, media.sha256)
    unit = WorkUnit(
        id="u",
        request=request,
        generation=1,
        state=UnitState.SUBMITTING,
        planned=(),
        created_at=_NOW,
        updated_at=_NOW,
    )
    pages = list(plugin.call(unit, Inputs(audio=audio), lambda _: None))
    said = plugin.normalise(request, media, pages)
    return Recording(file.stem, media, sound, said, plugin.capabilities())


def _request(plugin: FasterWhisperPlugin, content: str) -> WorkRequest:
    return WorkRequest(
        key=VideoKey.parse("bench/one"),
        content=content,
        provider="local",
        plugin=plugin.name,
        account=plugin.account,
        region=plugin.region,
        operation=plugin.operation,
        phases=(Phase.TRANSCRIPT,),
        kinds=(),
        parameters={},
        model=plugin.model,
    )


def joined(parts: Sequence[Recording]) -> Recording:
    """Return recordings one after another: their real signals and transcripts."""
    at, speech, loudness, segments = Fraction(0), list[TimeRange](), list[Any](), list[Segment]()
    for part in parts:
        speech += [_moved(one, at) for one in part.sound.speech or ()]
        loudness.append(part.sound.loudness)
        segments += [_moved_segment(one, at) for one in part.transcript.segments]
        at += len(part.sound.loudness) * LOUDNESS_STEP
    first = parts[0]
    return Recording(
        name="+".join(part.name for part in parts),
        media=first.media.model_copy(update={"duration": at}),
        sound=first.sound.model_copy(
            update={
                "start": Fraction(0),
                "duration": at,
                "loudness": np.concatenate(loudness),
                "speech": tuple(speech),
            }
        ),
        transcript=first.transcript.model_copy(update={"segments": tuple(segments)}),
        asked=first.asked,
    )


def _moved(one: TimeRange, by: Fraction) -> TimeRange:
    return TimeRange(start=one.start + by, end=one.end + by)


def _moved_segment(one: Segment, by: Fraction) -> Segment:
    words = (word.model_copy(update={"range": _moved(word.range, by)}) for word in one.words)
    return one.model_copy(update={"range": _moved(one.range, by), "words": tuple(words)})


def _speech(audio: Audio) -> tuple[TimeRange, ...]:
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(min_silence_duration_ms=300, speech_pad_ms=0, min_speech_duration_ms=100)
    found = get_speech_timestamps(audio.read(), options)
    return tuple(
        TimeRange(
            start=audio.start + Fraction(one["start"], 16000),
            end=audio.start + Fraction(one["end"], 16000),
        )
        for one in found
    )
