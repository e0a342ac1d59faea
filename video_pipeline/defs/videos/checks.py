"""The checks of what a phase published, read back as consumers read it."""

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
    """Yield the results of a good phase's content checks."""
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
    """Yield a message for each range outside the extent or before its predecessor."""
    last: Fraction | None = None
    for current in ranges:
        at = f"{what} at {float(current.start):.3f} s"
        if not current.within(extent):
            yield f"{at} is not within {float(extent.start):g} to {float(extent.end):g} s"
        if last is not None and current.start < last:
            yield f"{at} is out of order"
        last = current.start


def _markers(services: Services, key: VideoKey, phase: Phase) -> Iterator[str]:
    markers = services.of(key.project).results.markers(key.video, [phase])
    return range_faults((one.range for one in markers), _extent(services, key), "a marker")


def _words(services: Services, key: VideoKey, phase: Phase) -> Iterator[str]:
    segments = services.of(key.project).results.segments(key.video)
    spoken = (word.range for segment in segments for word in segment.words)
    return range_faults(spoken, _audio_extent(services, key), "a word")


def _extent(services: Services, key: VideoKey) -> TimeRange:
    record = services.of(key.project).videos.get(key.video)
    return record.media.extent if record and record.media else _NOTHING


def _audio_extent(services: Services, key: VideoKey) -> TimeRange:
    """Return the range of the audio; zero is the first video frame."""
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
        yield f"{phase} published no files: run it again"
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
    """Yield what violates the timeline's schema. Of long lists only the first rows are checked."""
    try:
        document = json.loads(content)
    except ValueError as error:
        yield f"{timeline_json.NAME} is not JSON: {error}"
        return
    if isinstance(document, dict):
        document["markers"] = document.get("markers", [])[:_SAMPLE]
        speech = document.get("transcript", {})
        speech["segments"] = speech.get("segments", [])[:_SAMPLE]
    for fault in Draft202012Validator(timeline_json.schema()).iter_errors(document):
        yield f"{timeline_json.NAME}: {fault.json_path}: {fault.message}"
