"""Publish the timeline once its phases have results, and read it as one document."""

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.errors import InputError, SourceError, StorageError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, PhaseStatus, Timeline
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.probe import failed, known_source

_NEEDS = PHASES[Phase.TIMELINE].needs


def make_timeline(services: Services, key: VideoKey, run_id: str = "") -> Outcome:
    """Publish the timeline, or return an outcome that names the missing phases."""
    report = Reporter(services, key, run_id)
    report.tell(Phase.TIMELINE, PhaseState.RUNNING, provider=own_results.PROVIDER)
    started = services.clock()
    try:
        content = known_source(services, key).sha256 or ""
        missing = _missing(services, key, content)
        if missing:
            return report.ended(_waiting(missing))
        timeline = read_timeline(services.catalog, key)
        counts = {"markers": len(timeline.markers), "words": len(timeline.transcript.words)}
        inputs = {result.phase: result.fingerprint for result in timeline.phases}
        origin = own_results.provenance(content, started, services.clock(), inputs=inputs)
        warnings = timeline.warnings
        return report.ended(
            own_results.publish(
                services, key, Phase.TIMELINE, origin, counts=counts, warnings=warnings
            )
        )
    except (InputError, StorageError) as error:
        return report.ended(failed(Phase.TIMELINE, error))


def read_timeline(catalog: Catalog, key: VideoKey) -> Timeline:
    """Return the current timeline of a video. Raises SourceError before media_info ran."""
    project = catalog.project(key.project)
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
        media=record.media,
        phases=results,
        markers=tuple(project.results.markers(key.video, phases)),
        transcript=Transcript(
            language=spoken.language if spoken else None,
            language_confidence=spoken.language_confidence if spoken else None,
            segments=tuple(project.results.segments(key.video)) if spoken else (),
        ),
        warnings=_warnings(record.media.warnings, results),
        published_at=max(ended, default=record.arrived_at),
    )


def _warnings(media: tuple[str, ...], results: tuple[PhaseResult, ...]) -> tuple[str, ...]:
    # "Not configured" is the state of a phase, so its warning is left out.
    phases = [w for r in results if r.state is not PhaseState.NOT_CONFIGURED for w in r.warnings]
    return tuple(dict.fromkeys([*media, *phases]))


def _missing(services: Services, key: VideoKey, content: str) -> dict[Phase, PhaseStatus | None]:
    statuses = services.of(key.project).results.statuses(key.video)
    return {
        phase: statuses.get(phase)
        for phase in _NEEDS
        if own_results.current(services, key, phase, content) is None
    }


def _waiting(missing: dict[Phase, PhaseStatus | None]) -> Outcome:
    parked = [s for s in missing.values() if s and s.state is PhaseState.PARKED]
    reasons = "; ".join(
        f"{phase}: {status.state}, {status.message}" if status else f"{phase}: not made yet"
        for phase, status in missing.items()
    )
    return Outcome(
        phase=Phase.TIMELINE,
        state=PhaseState.PARKED if parked else PhaseState.WAITING,
        message=f"waits for {reasons}",
        provider=own_results.PROVIDER,
    )
