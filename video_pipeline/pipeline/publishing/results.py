"""Normalise raw pages, check them against the media and publish them as the result of a phase.

Publishing is repeatable: it replaces one generation by another. A unit with unreadable pages is
settled too: they are paid, and a corrected plugin reads them again without a new request. The same
holds for pages that contradict the media, where the policy is not to publish them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase, phase_of
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.results.transcript import Segment, Transcript
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.unit_policy import is_final
from video_pipeline.domain.usage import Usage, summed
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.pipeline.jobs.unit_run import UnitDriver, plugin_broke
from video_pipeline.pipeline.policies import TruthPolicy
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.publishing.tracks import Linked, Shots
from video_pipeline.pipeline.selection.choice import choice_of, options_of
from video_pipeline.pipeline.signals import stored
from video_pipeline.pipeline.truth.judgement import (
    Judgement,
    judge_markers,
    judge_transcript,
    refuse,
)
from video_pipeline.pipeline.truth.markers import MarkerWatch, in_frame
from video_pipeline.pipeline.truth.words import within
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin


@dataclass(frozen=True, slots=True)
class Share:
    """A unit with stored pages, and its usage."""

    driver: UnitDriver
    used: tuple[Usage, ...]


def usage_of(driver: UnitDriver, media: MediaInfo) -> tuple[Usage, ...]:
    """Return the usage of a unit. Unreadable pages settle it, and raise ProviderError."""
    planned = driver.planned
    try:
        return planned.plugin.usage(planned.request, media, driver.raw.read())
    except Exception as broken:
        error = plugin_broke(planned.provider, broken)
        if is_final([error]):
            driver.settle(driver.unit.planned)
        raise error from broken


def publish(
    run: VideoRun,
    phase: Phase,
    shares: Sequence[Share],
    media: MediaInfo,
    policy: TruthPolicy,
) -> Outcome:
    """Publish the pages of all units of a phase as one result.

    Raises ProviderError for unreadable pages, and for a result that contradicts the media where
    the policy is not to publish it. Raises SourceError if a newer version has arrived.
    """
    try:
        result = _publish(run, phase, shares, media, policy)
    except Exception as broken:
        raise plugin_broke(shares[0].driver.planned.provider, broken) from broken
    origin = result.provenance
    return Outcome(
        phase=phase,
        state=PhaseState.DONE,
        result=result,
        provider=shares[0].driver.planned.provider,
        unit=origin.unit if origin else None,
    )


def _publish(
    run: VideoRun,
    phase: Phase,
    shares: Sequence[Share],
    media: MediaInfo,
    policy: TruthPolicy,
) -> PhaseResult:
    planned = shares[0].driver.planned
    plugin = planned.plugin
    own_results.check_current(run)
    result = PhaseResult(
        phase=phase,
        state=PhaseState.DONE,
        provenance=_provenance(phase, [share.driver for share in shares], run.clock()),
        usage=summed(used for share in shares for used in share.used),
    )
    rows: Iterable[Marker | Segment] = ()
    judged = Judgement()
    if isinstance(plugin, BaseTranscriptionPlugin):
        transcript = plugin.normalise(planned.request, media, shares[0].driver.raw.read())
        result = _with_transcript(result, transcript, media)
        judged = _judged(run, planned, transcript, media)
        rows = within(transcript, media.extent).segments
    elif isinstance(plugin, BaseTemporalPlugin):
        watch, shots = MarkerWatch(), Shots(run)
        streams = [partial(_markers, phase, media, share.driver) for share in shares]
        watched = [partial(_watched, watch, stream) for stream in streams]
        result = Linked(shots, watched).described(result)
        judged = judge_markers(phase, watch, stored.pictures(run))
        rows = Linked(shots, [partial(_in_frame, stream) for stream in streams]).markers()
    refuse(judged.findings, policy, run.key.project, planned.provider)
    result = judged.noted(result)
    run.catalog.results.publish(run.key.video, result, rows)
    return result


def _judged(run: VideoRun, planned: Planned, said: Transcript, media: MediaInfo) -> Judgement:
    asked, language = planned.plugin.capabilities(), planned.request.parameters.get("language")
    requested = str(language) if language else None
    return judge_transcript(said, media.extent, asked, requested, stored.sound(run))


def _watched(watch: MarkerWatch, stream: Callable[[], Iterable[Marker]]) -> Iterator[Marker]:
    return map(in_frame, watch.watched(stream()))


def _in_frame(stream: Callable[[], Iterable[Marker]]) -> Iterator[Marker]:
    return map(in_frame, stream())


def _provenance(phase: Phase, drivers: Sequence[UnitDriver], ended: datetime) -> Provenance:
    planned, units = drivers[0].planned, [driver.unit for driver in drivers]
    language = planned.request.parameters.get("language")
    models = dict.fromkeys(driver.planned.request.model for driver in drivers)
    return Provenance(
        provider=planned.provider,
        plugin=planned.plugin.name,
        version=planned.plugin.version,
        model=", ".join(filter(None, models)),
        options=options_of(planned.plugin),  # type: ignore[arg-type]
        choice=choice_of(planned.plugin, phase, str(language) if language else None),
        content=planned.request.content,
        unit=units[0].id if len(units) == 1 else None,
        units=tuple(unit.id for unit in units) if len(units) > 1 else (),
        started_at=min(unit.submitted_at or unit.updated_at for unit in units),
        ended_at=ended,
    )


def _with_transcript(result: PhaseResult, transcript: Transcript, media: MediaInfo) -> PhaseResult:
    _check_order(transcript.segments, media.extent, result.provenance)
    return result.model_copy(
        update={
            "counts": {
                "words": len(transcript.words),
                "segments": len(transcript.segments),
                "speakers": len(transcript.speakers),
            },
            "language": transcript.language,
            "language_confidence": transcript.language_confidence,
            "warnings": result.warnings + transcript.warnings,
        }
    )


def _check_order(
    segments: tuple[Segment, ...], extent: TimeRange, origin: Provenance | None
) -> None:
    provider = origin.provider if origin else ""
    last = extent.start
    for segment in segments:
        if not segment.range.within(extent):
            raise _malformed(provider, "speech outside the video")
        if segment.range.start < last:
            raise _malformed(provider, "segments out of order")
        last = segment.range.start


def _markers(phase: Phase, media: MediaInfo, driver: UnitDriver) -> Iterator[Marker]:
    """Yield the markers of a unit that belong to a phase. Normalising is pure: repeatable.

    Raises ProviderError for a kind that was not requested, or a range outside the video.
    """
    planned, plugin = driver.planned, driver.planned.plugin
    if not isinstance(plugin, BaseTemporalPlugin):
        return
    for marker in plugin.normalise(planned.request, media, driver.raw.read()):
        if phase_of(marker.kind) is not phase:
            continue
        if marker.kind not in planned.request.kinds:
            raise _malformed(planned.provider, f"a {marker.kind}, which was not requested")
        if not marker.range.within(media.extent):
            raise _malformed(planned.provider, f"a {marker.kind} outside the video")
        if marker.kind in planned.kinds:
            yield marker


def _malformed(provider: str, what: str) -> ProviderError:
    return ProviderError(
        f"the provider's result contains {what}",
        category=FailureCategory.MALFORMED_RESULT,
        where=provider,
        remedy="Fix the plugin and run the phase again: the stored raw pages are read again, "
        "without a new request. Run it with force to request a new result.",
    )
