"""From raw pages to a published result: normalise, check, save, settle.

May be repeated at will: the pages are there, and saving swaps one generation for another. A unit
whose pages cannot be read is settled all the same: they were paid, and a better plugin reads them
again for nothing.
"""

from collections.abc import Iterable, Iterator

from video_pipeline.domain.errors import FailureCategory, ProviderError, SourceError
from video_pipeline.domain.markers import Marker, phase_of
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.timeline import PhaseResult, Provenance
from video_pipeline.domain.transcript import Segment, Transcript
from video_pipeline.domain.usage import Usage
from video_pipeline.pipeline import own
from video_pipeline.pipeline.assign import choice_of, options_of
from video_pipeline.pipeline.drive import UnitDriver, plugin_broke
from video_pipeline.pipeline.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin


def settle(services: Services, driver: UnitDriver, media: MediaInfo) -> list[Outcome]:
    """Publish what a unit's pages say, an outcome a phase, and settle the unit.

    Raises ProviderError for pages that cannot be read, and SourceError where a newer version of
    the source has arrived; the unit is settled all the same.
    """
    planned, used = driver.planned, driver.unit.planned
    try:
        used = planned.plugin.usage(planned.request, media, driver.raw.read())
        results = [_publish(services, driver, phase, media, used) for phase in planned.phases]
    except Exception as broken:
        error = plugin_broke(driver, broken)
        if isinstance(error, ProviderError | SourceError):
            driver.settle(used)
        raise error from broken
    driver.settle(used)
    return [
        Outcome(
            phase=result.phase,
            state=PhaseState.DONE,
            result=result,
            provider=planned.provider,
            unit=driver.unit.id,
        )
        for result in results
    ]


def _publish(
    services: Services,
    driver: UnitDriver,
    phase: Phase,
    media: MediaInfo,
    used: tuple[Usage, ...],
) -> PhaseResult:
    key, plugin = driver.planned.request.key, driver.planned.plugin
    own.check_current(services, key, driver.planned.request.content)
    result = PhaseResult(
        phase=phase,
        state=PhaseState.DONE,
        provenance=_provenance(services, driver, phase),
        usage=used,
    )
    results = services.of(key.project).results
    if isinstance(plugin, BaseTranscriptionPlugin):
        transcript = plugin.normalise(driver.planned.request, media, driver.raw.read())
        result = _with_transcript(result, transcript, media)
        results.publish(key.video, result, transcript.segments)
    elif isinstance(plugin, BaseTemporalPlugin):
        counts = _counts(_markers(driver, plugin, phase, media), driver, media.extent)
        result = result.model_copy(update={"counts": counts})
        results.publish(key.video, result, _markers(driver, plugin, phase, media))
    return result


def _provenance(services: Services, driver: UnitDriver, phase: Phase) -> Provenance:
    unit, planned = driver.unit, driver.planned
    language = planned.request.parameters.get("language")
    return Provenance(
        provider=planned.provider,
        plugin=planned.plugin.name,
        version=planned.plugin.version,
        model=planned.request.model,
        options=options_of(planned.plugin),  # type: ignore[arg-type]
        choice=choice_of(planned.plugin, phase, str(language) if language else None),
        content=planned.request.content,
        unit=unit.id,
        started_at=unit.submitted_at or unit.updated_at,
        ended_at=services.clock(),
    )


def _markers(
    driver: UnitDriver, plugin: BaseTemporalPlugin, phase: Phase, media: MediaInfo
) -> Iterator[Marker]:
    """The markers of one phase, streamed; normalising is pure, so each pass is the same."""
    found = plugin.normalise(driver.planned.request, media, driver.raw.read())
    return (marker for marker in found if phase_of(marker.kind) is phase)


def _counts(markers: Iterable[Marker], driver: UnitDriver, extent: TimeRange) -> dict[str, int]:
    counts: dict[str, int] = {}
    for marker in markers:
        if marker.kind not in driver.planned.request.kinds:
            raise _malformed(driver.planned.provider, f"a {marker.kind}, which was not asked for")
        if not marker.range.within(extent):
            raise _malformed(driver.planned.provider, f"a {marker.kind} outside the video")
        counts[marker.kind] = counts.get(marker.kind, 0) + 1
    return counts


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


def _malformed(provider: str, what: str) -> ProviderError:
    return ProviderError(
        f"the answer holds {what}",
        category=FailureCategory.MALFORMED_RESULT,
        where=provider,
        remedy="Its raw pages are kept: mend the plugin and run the phase again, for nothing. "
        "Run it with force to ask the provider again.",
    )
