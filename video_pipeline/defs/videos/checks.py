"""Whether what a phase published is right, read back as consumers read it."""

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction

import dagster as dg
from jsonschema import Draft202012Validator

from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import EXACT_MARKERS, PHASES, READABLE, WITHIN_AUDIO, Phase
from video_pipeline.domain.time import TimeRange
from video_pipeline.exports import timeline_json
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services

_SHOWN = 10
_SAMPLE = 200
_NOTHING = TimeRange(start=Fraction(0), end=Fraction(0))


def content_results(
    services: Services, key: VideoKey, outcome: Outcome
) -> Iterator[dg.AssetCheckResult]:
    """The results of the checks on what a good phase came to."""
    judges = {EXACT_MARKERS: _markers, WITHIN_AUDIO: _words, READABLE: _outputs}
    for check in PHASES[outcome.phase].checks:
        faults = list(judges[check](services, key, outcome.phase))
        yield dg.AssetCheckResult(
            asset_key=asset_key(outcome.phase),
            check_name=check.name,
            passed=not faults,
            description=f"{key}: {'; '.join(faults[:_SHOWN])}" if faults else None,
            metadata={"faults": len(faults)} if faults else None,
        )


def range_faults(ranges: Iterable[TimeRange], extent: TimeRange, what: str) -> Iterator[str]:
    """Every range that reaches out of the extent, or starts before the one before it."""
    last: Fraction | None = None
    for found in ranges:
        at = f"{what} at {float(found.start):.3f} s"
        if not found.within(extent):
            yield f"{at} reaches out of {float(extent.start):g} to {float(extent.end):g} s"
        if last is not None and found.start < last:
            yield f"{at} is out of order"
        last = found.start


def _markers(services: Services, key: VideoKey, phase: Phase) -> Iterator[str]:
    found = services.of(key.project).results.markers(key.video, [phase])
    return range_faults((marker.range for marker in found), _extent(services, key), "a marker")


def _words(services: Services, key: VideoKey, phase: Phase) -> Iterator[str]:
    segments = services.of(key.project).results.segments(key.video)
    spoken = (word.range for segment in segments for word in segment.words)
    return range_faults(spoken, _heard(services, key), "a word")


def _extent(services: Services, key: VideoKey) -> TimeRange:
    record = services.of(key.project).videos.get(key.video)
    return record.media.extent if record and record.media else _NOTHING


def _heard(services: Services, key: VideoKey) -> TimeRange:
    """Where there is sound, on the clock whose zero is the first video frame."""
    record = services.of(key.project).videos.get(key.video)
    media = record.media if record else None
    if media is None or media.audio is None:
        return _NOTHING
    zero = media.video.start if media.video else media.audio.start
    start = max(Fraction(0), media.audio.start - zero)
    return TimeRange(start=start, end=max(start, media.audio.start - zero + media.audio.duration))


def _outputs(services: Services, key: VideoKey, phase: Phase) -> Iterator[str]:
    result = services.of(key.project).results.get(key.video, phase)
    if result is None or not result.outputs:
        yield "nothing was published"
        return
    store = services.outputs.project(key.project)
    for name in result.outputs:
        try:
            with store.open(name) as stored:
                content = stored.read()
        except StorageError as error:
            yield str(error)
            continue
        yield from _content_faults(name, content)


def _content_faults(name: str, content: bytes) -> Iterator[str]:
    if not content:
        yield f"{name} is empty"
    elif name.endswith(f"/{timeline_json.NAME}"):
        yield from timeline_faults(content)


def timeline_faults(content: bytes) -> Iterator[str]:
    """What is wrong with a published timeline by its schema; of long lists, the first rows."""
    try:
        document = json.loads(content)
    except ValueError as error:
        yield f"{timeline_json.NAME} is no JSON: {error}"
        return
    if isinstance(document, dict):
        document["markers"] = document.get("markers", [])[:_SAMPLE]
        speech = document.get("transcript", {})
        speech["segments"] = speech.get("segments", [])[:_SAMPLE]
    for fault in Draft202012Validator(timeline_json.schema()).iter_errors(document):
        yield f"{timeline_json.NAME}: {fault.json_path}: {fault.message}"
