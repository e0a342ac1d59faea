"""The checks of a phase: how it ended, and what it published, read back as consumers read it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction

import dagster as dg
from jsonschema import Draft202012Validator

from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.videos.markdown import literal
from video_pipeline.domain.errors import StorageError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import (
    EXACT_MARKERS,
    PHASES,
    PLAUSIBLE,
    READABLE,
    SUCCEEDED,
    WITHIN_AUDIO,
    Check,
    Phase,
)
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.time import TimeRange, clock
from video_pipeline.domain.unit_policy import CATEGORIES
from video_pipeline.exports import timeline_json
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.video_run import VideoRun

_SHOWN = 10
_SAMPLE = 200
_NOTHING = TimeRange(start=Fraction(0), end=Fraction(0))


def evaluations(run: VideoRun, outcome: Outcome) -> Iterator[dg.AssetCheckEvaluation]:
    """Yield an evaluation of each check of a phase. One that cannot be judged tells why."""
    for check in PHASES[outcome.phase].checks:
        passed, severity, text = _verdict(run, outcome, check)
        yield dg.AssetCheckEvaluation(
            asset_key=asset_key(outcome.phase),
            check_name=check.name,
            passed=passed,
            metadata={},
            severity=severity,
            description=literal(text) or None,
            partition=str(run.key),
        )


def _verdict(
    run: VideoRun, outcome: Outcome, check: Check
) -> tuple[bool, dg.AssetCheckSeverity, str]:
    """Return whether a check passes, how bad it is if not, and the text."""
    warn, error = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
    if outcome.state is PhaseState.NOT_CONFIGURED:
        return True, warn, f"not judged: {outcome.message}"
    if check is SUCCEEDED and outcome.state.good:
        return outcome.state is PhaseState.DONE, warn, outcome.message
    if check is SUCCEEDED and outcome.state.ended_badly:
        return False, error, outcome.message
    if check is PLAUSIBLE and outcome.category and CATEGORIES[outcome.category].contradicts_media:
        return False, error, outcome.message
    if not outcome.state.good:
        return False, warn, f"not judged: {outcome.phase} {outcome.state.told}: {outcome.message}"
    if check is PLAUSIBLE:
        return plausibility(outcome.result)
    judges = {EXACT_MARKERS: _markers, WITHIN_AUDIO: _words, READABLE: _outputs}
    faults = list(judges[check](run, outcome.phase))
    more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
    return not faults, error, "; ".join([*faults[:_SHOWN], *more])


def plausibility(result: PhaseResult | None) -> tuple[bool, dg.AssetCheckSeverity, str]:
    """Return whether a result contradicts nothing, and what was found or not checked."""
    findings = result.findings if result else ()
    kinds_of_reason = defaultdict[str, list[str]](list)
    for kind, why in (result.not_checked if result else {}).items():
        kinds_of_reason[why].append(kind)
    unchecked = [f"not checked: {why} ({', '.join(k)})" for why, k in kinds_of_reason.items()]
    text = "; ".join([*map(str, findings), *unchecked])
    return not findings, dg.AssetCheckSeverity.WARN, text


def range_faults(ranges: Iterable[TimeRange], extent: TimeRange, what: str) -> Iterator[str]:
    """Yield a message for each range outside the extent or before its predecessor."""
    last: Fraction | None = None
    for current in ranges:
        at = f"{what} at {clock(current.start)}"
        if not current.within(extent):
            yield f"{at} is not within {clock(extent.start)} to {clock(extent.end)}"
        if last is not None and current.start < last:
            yield f"{at} is out of order"
        last = current.start


def _markers(run: VideoRun, phase: Phase) -> Iterator[str]:
    ranges = (one.range for one in run.catalog.results.markers(run.key.video, [phase]))
    media = _media(run)
    return range_faults(ranges, media.extent if media else _NOTHING, "a marker")


def _words(run: VideoRun, _: Phase) -> Iterator[str]:
    segments = run.catalog.results.segments(run.key.video)
    spoken = (word.range for segment in segments for word in segment.words)
    return range_faults(spoken, _audio_extent(_media(run)), "a word")


def _media(run: VideoRun) -> MediaInfo | None:
    record = run.catalog.videos.get(run.key.video)
    return record.media.lasting(record.decoded) if record and record.media else None


def _audio_extent(media: MediaInfo | None) -> TimeRange:
    """Return the range of the audio; zero is the first video frame."""
    if media is None or media.audio is None:
        return _NOTHING
    zero = media.video.start if media.video else media.audio.start
    start = max(Fraction(0), media.audio.start - zero)
    return TimeRange(start=start, end=max(start, media.audio.start - zero + media.audio.duration))


def _outputs(run: VideoRun, phase: Phase) -> Iterator[str]:
    result = run.catalog.results.get(run.key.video, phase)
    if result is None or not result.outputs:
        yield f"{phase} published no files: run it again"
        return
    for name in result.outputs:
        try:
            with run.outputs.open(name) as stored:
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
