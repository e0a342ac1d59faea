"""The timeline: made once all that it needs is there, and read back as one document."""

from datetime import datetime

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
    """Publish the timeline, or say which phases it waits for."""
    report = Reporter(services, key, run_id)
    report.tell(Phase.TIMELINE, PhaseState.RUNNING, provider=own_results.PROVIDER)
    started = services.clock()
    try:
        content = known_source(services, key).sha256 or ""
        missing = _missing(services, key, content)
        if missing:
            return report.ended(_waiting(missing))
        return report.ended(_make(services, key, content, started))
    except (InputError, StorageError) as error:
        return report.ended(failed(Phase.TIMELINE, error))


def _make(services: Services, key: VideoKey, content: str, started: datetime) -> Outcome:
    timeline = read_timeline(services.catalog, key)
    counts = {"markers": len(timeline.markers), "words": len(timeline.transcript.words)}
    inputs = {result.phase: result.fingerprint for result in timeline.phases}
    origin = own_results.provenance(content, started, services.clock(), inputs=inputs)
    return own_results.publish(
        services, key, Phase.TIMELINE, origin, counts=counts, warnings=timeline.warnings
    )


def read_timeline(catalog: Catalog, key: VideoKey) -> Timeline:
    """The current timeline of a video. Raises SourceError where there is none yet."""
    project = catalog.project(key.project)
    record = project.videos.get(key.video)
    if record is None or record.media is None:
        raise SourceError(
            "the video was not probed yet", where=str(key), remedy="Run media_info first."
        )
    found = (project.results.get(key.video, phase) for phase in _NEEDS)
    results = tuple(r for r in found if r is not None and _made_from(r, record.media.sha256))
    phases = [result.phase for result in results]
    said = next((r for r in results if r.phase is Phase.TRANSCRIPT), None)
    made = [r.provenance.ended_at for r in results if r.provenance is not None]
    return Timeline(
        key=key,
        source_name=record.source.name,
        media=record.media,
        phases=results,
        markers=tuple(project.results.markers(key.video, phases)),
        transcript=Transcript(
            language=said.language if said else None,
            language_confidence=said.language_confidence if said else None,
            segments=tuple(project.results.segments(key.video)) if said else (),
        ),
        warnings=_warnings(record.media.warnings, results),
        published_at=max(made, default=record.arrived_at),
    )


def _made_from(result: PhaseResult, content: str) -> bool:
    return result.provenance is not None and result.provenance.content == content


def _warnings(media: tuple[str, ...], results: tuple[PhaseResult, ...]) -> tuple[str, ...]:
    """What a reader should know; that a phase is not configured is its state, no warning."""
    told = [w for r in results if r.state is not PhaseState.NOT_CONFIGURED for w in r.warnings]
    return tuple(dict.fromkeys([*media, *told]))


def _missing(services: Services, key: VideoKey, content: str) -> dict[Phase, PhaseStatus | None]:
    statuses = services.of(key.project).results.statuses(key.video)
    return {
        phase: statuses.get(phase)
        for phase in _NEEDS
        if own_results.current(services, key, phase, content) is None
    }


def _waiting(missing: dict[Phase, PhaseStatus | None]) -> Outcome:
    parked = [s for s in missing.values() if s and s.state is PhaseState.PARKED]
    told = "; ".join(
        f"{phase}: {status.state}, {status.message}" if status else f"{phase}: not made yet"
        for phase, status in missing.items()
    )
    return Outcome(
        phase=Phase.TIMELINE,
        state=PhaseState.PARKED if parked else PhaseState.WAITING,
        message=f"waits for {told}",
        provider=own_results.PROVIDER,
    )
