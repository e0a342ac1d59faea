"""From raw pages to a published result: normalise, check, save.

May be repeated at will: the pages are there, and saving swaps one generation for another. A unit
whose pages cannot be read is settled all the same: they were paid, and a better plugin reads them
again for nothing. Markers are read in found.py, and get their tracks in linked.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from video_pipeline.domain.errors import FailureCategory, PipelineError, ProviderError, SourceError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase, phase_of
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.results.transcript import Segment, Transcript
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.usage import Usage, summed
from video_pipeline.pipeline.jobs.unit_run import UnitDriver, plugin_broke
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.publishing.tracks import Linked, Shots
from video_pipeline.pipeline.selection.choice import choice_of, options_of
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin


@dataclass(frozen=True, slots=True)
class Share:
    """A unit whose pages are stored, and what it used."""

    driver: UnitDriver
    used: tuple[Usage, ...]


def usage_of(driver: UnitDriver, media: MediaInfo) -> tuple[Usage, ...]:
    """What a unit whose pages are stored used.

    Raises ProviderError for pages that cannot be read; the unit is settled all the same.
    """
    planned = driver.planned
    try:
        return planned.plugin.usage(planned.request, media, driver.raw.read())
    except Exception as broken:
        error = plugin_broke(driver, broken)
        if is_final(error):
            driver.settle(driver.unit.planned)
        raise error from broken


def is_final(error: PipelineError) -> bool:
    """Whether publishing the same pages again would fail again: the unit is settled then."""
    return isinstance(error, ProviderError | SourceError)


def publish(services: Services, phase: Phase, shares: Sequence[Share], media: MediaInfo) -> Outcome:
    """Publish what the pages of all units that serve a phase say, as one result.

    Raises ProviderError for pages that cannot be read, and SourceError where a newer version of
    the source has arrived.
    """
    try:
        result = _publish(services, phase, shares, media)
    except Exception as broken:
        raise plugin_broke(shares[0].driver, broken) from broken
    origin = result.provenance
    return Outcome(
        phase=phase,
        state=PhaseState.DONE,
        result=result,
        provider=shares[0].driver.planned.provider,
        unit=origin.unit if origin else None,
    )


def _publish(
    services: Services, phase: Phase, shares: Sequence[Share], media: MediaInfo
) -> PhaseResult:
    planned = shares[0].driver.planned
    key, plugin = planned.request.key, planned.plugin
    own_results.check_current(services, key, planned.request.content)
    result = PhaseResult(
        phase=phase,
        state=PhaseState.DONE,
        provenance=_provenance(services, phase, [share.driver for share in shares]),
        usage=summed(used for share in shares for used in share.used),
    )
    results = services.of(key.project).results
    if isinstance(plugin, BaseTranscriptionPlugin):
        transcript = plugin.normalise(planned.request, media, shares[0].driver.raw.read())
        result = _with_transcript(result, transcript, media)
        results.publish(key.video, result, transcript.segments)
    elif isinstance(plugin, BaseTemporalPlugin):
        streams = [partial(found, phase, media, share.driver) for share in shares]
        linked = Linked(Shots(services, key, planned.request.content), streams)
        result = linked.described(result)
        results.publish(key.video, result, linked.markers())
    return result


def _provenance(services: Services, phase: Phase, drivers: Sequence[UnitDriver]) -> Provenance:
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
        ended_at=services.clock(),
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
        }
    )


def _check_order(
    segments: tuple[Segment, ...], extent: TimeRange, origin: Provenance | None
) -> None:
    provider = origin.provider if origin else ""
    last = extent.start
    for segment in segments:
        if not segment.range.within(extent):
            raise malformed(provider, "speech outside the video")
        if segment.range.start < last:
            raise malformed(provider, "segments out of order")
        last = segment.range.start


def found(phase: Phase, media: MediaInfo, driver: UnitDriver) -> Iterator[Marker]:
    """What is taken from a unit for a phase; each pass is the same, since normalising is pure.

    Raises ProviderError for what was not asked for, or lies outside the video.
    """
    planned, plugin = driver.planned, driver.planned.plugin
    if not isinstance(plugin, BaseTemporalPlugin):
        return
    for marker in plugin.normalise(planned.request, media, driver.raw.read()):
        if phase_of(marker.kind) is not phase:
            continue
        if marker.kind not in planned.request.kinds:
            raise malformed(planned.provider, f"a {marker.kind}, which was not asked for")
        if not marker.range.within(media.extent):
            raise malformed(planned.provider, f"a {marker.kind} outside the video")
        if marker.kind in planned.kinds:
            yield marker


def malformed(provider: str, what: str) -> ProviderError:
    """Pages that hold what they must not."""
    return ProviderError(
        f"the answer holds {what}",
        category=FailureCategory.MALFORMED_RESULT,
        where=provider,
        remedy="Its raw pages are kept: mend the plugin and run the phase again, for nothing. "
        "Run it with force to ask the provider again.",
    )
