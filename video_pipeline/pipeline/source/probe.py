"""The first two phases: reading the source, and probing its streams."""

from collections.abc import Callable

from video_pipeline.domain.errors import CatalogError, PipelineError, SourceError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import VideoRecord
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.read import read_source, replaced, unknown


def source_video(services: Services, key: VideoKey, run_id: str = "") -> Outcome:
    """Read the source once and record its hash. Bad input gives a failed outcome, no exception."""

    def work() -> Outcome:
        started = services.clock()
        record = read_source(key, services.ingest, services.catalog)
        origin = own_results.provenance(record.sha256 or "", started, services.clock())
        counts = {"bytes": record.source.size}
        return own_results.publish(services, key, Phase.SOURCE_VIDEO, origin, counts=counts)

    return _reported(services, key, Phase.SOURCE_VIDEO, run_id, work)


def media_info(services: Services, key: VideoKey, run_id: str = "") -> Outcome:
    """Probe the source and record its streams. Bad input gives a failed outcome, no exception."""

    def work() -> Outcome:
        started = services.clock()
        record = known_source(services, key)
        content = record.sha256 or ""
        earlier = own_results.current(services, key, Phase.MEDIA_INFO, content)
        if record.media is not None and earlier is not None:
            return Outcome(
                phase=Phase.MEDIA_INFO,
                state=PhaseState.DONE,
                result=earlier,
                provider=own_results.PROVIDER,
                reused=True,
            )
        ingest = services.ingest.project(key.project)
        with ingest.open(record.source.object_key, record.source.version) as source:
            media = services.media.probe(source, content)
        if not services.of(key.project).videos.set_media(key.video, content, media):
            raise replaced(record)
        streams = (media.video is not None) + (media.audio is not None)
        return own_results.publish(
            services,
            key,
            Phase.MEDIA_INFO,
            own_results.provenance(content, started, services.clock()),
            counts={"streams": streams},
            warnings=media.warnings,
        )

    return _reported(services, key, Phase.MEDIA_INFO, run_id, work)


def known_source(services: Services, key: VideoKey) -> VideoRecord:
    """Return the record of a video. Raises SourceError if its source was not read yet."""
    record = services.of(key.project).videos.get(key.video)
    if record is None:
        raise unknown(key)
    if record.sha256 is None:
        raise SourceError(
            "the source was not read yet, or has been replaced since",
            where=str(key),
            remedy="Run source_video first.",
        )
    return record


def _reported(
    services: Services, key: VideoKey, phase: Phase, run_id: str, work: Callable[[], Outcome]
) -> Outcome:
    """Do a phase's work, report its progress, and turn errors into a failed outcome."""
    report = Reporter(services, key, run_id)
    report.tell(phase, PhaseState.RUNNING, provider=own_results.PROVIDER)
    try:
        return report.ended(work())
    except CatalogError:
        raise  # nothing can be recorded either
    except PipelineError as error:
        return report.ended(failed(phase, error))


def failed(phase: Phase, error: PipelineError, provider: str | None = None) -> Outcome:
    return Outcome(
        phase=phase,
        state=PhaseState.FAILED,
        provider=provider,
        message=str(error),
        passes=error.passes,
    )
