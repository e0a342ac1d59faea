"""Publish the timeline once its phases have results, and read it as one document."""

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.domain.errors import SourceError
from video_pipeline.domain.media import DecodedVideo, MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Timeline, TimelineMedia
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.source.probe import known_source
from video_pipeline.pipeline.video_run import VideoRun

_NEEDS = PHASES[Phase.TIMELINE].needs


def make_timeline(run: VideoRun) -> Outcome:
    """Publish the timeline, or return an outcome that names the missing phases."""
    return own_results.reported(run, Phase.TIMELINE, lambda: _make(run))


def _make(run: VideoRun) -> Outcome:
    started = run.clock()
    run = run.with_content(known_source(run).sha256 or "")
    missing = [phase for phase in _NEEDS if own_results.current(run, phase) is None]
    if missing:
        return own_results.waiting(run, Phase.TIMELINE, missing)
    timeline = read_timeline(run.catalog, run.key)
    counts = {"markers": len(timeline.markers), "words": len(timeline.transcript.words)}
    inputs = {result.phase: result.fingerprint for result in timeline.phases}
    origin = own_results.provenance(run.content, started, run.clock(), inputs=inputs)
    warnings = timeline.warnings
    return own_results.publish(run, Phase.TIMELINE, origin, counts=counts, warnings=warnings)


def read_timeline(project: ProjectCatalog, key: VideoKey) -> Timeline:
    """Return the current timeline of a video. Raises SourceError before media_info ran."""
    record = project.videos.get(key.video)
    if record is None or record.media is None:
        raise SourceError(
            "the video has not been probed yet", where=str(key), remedy="Run media_info first."
        )
    found = (project.results.get(key.video, phase) for phase in _NEEDS)
    content = record.media.sha256
    results = tuple(r for r in found if r and r.provenance and r.provenance.content == content)
    phases = [result.phase for result in results]
    spoken = next((r for r in results if r.phase is Phase.TRANSCRIPT), None)
    ended = [r.provenance.ended_at for r in results if r.provenance is not None]
    return Timeline(
        key=key,
        source_name=record.source.name,
        media=_media(record.media, record.decoded),
        phases=results,
        markers=tuple(project.results.markers(key.video, phases)),
        transcript=Transcript(
            language=spoken.language if spoken else None,
            language_confidence=spoken.language_confidence if spoken else None,
            segments=tuple(project.results.segments(key.video)) if spoken else (),
        ),
        warnings=_warnings(_media_warnings(record.media, record.decoded), results),
        published_at=max(ended, default=record.arrived_at),
    )


def _media(declared: MediaInfo, decoded: DecodedVideo | None) -> TimelineMedia:
    return TimelineMedia.model_validate({**dict(declared.lasting(decoded)), "decoded": decoded})


def _media_warnings(declared: MediaInfo, decoded: DecodedVideo | None) -> tuple[str, ...]:
    if decoded is None:
        return declared.warnings
    return (*declared.warnings, *declared.differences(decoded), *decoded.warnings)


def _warnings(media: tuple[str, ...], results: tuple[PhaseResult, ...]) -> tuple[str, ...]:
    # "Not configured" is the state of a phase, so its warning is left out.
    phases = [w for r in results if r.state is not PhaseState.NOT_CONFIGURED for w in r.warnings]
    return tuple(dict.fromkeys([*media, *phases]))
