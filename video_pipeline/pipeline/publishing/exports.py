"""Publish the timeline in each format to the output store."""

from datetime import datetime

from video_pipeline.domain.errors import CatalogError, PipelineError, SourceError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.exports import FORMATS
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.publishing.timeline import read_timeline
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.probe import failed


def export(services: Services, key: VideoKey, run_id: str = "") -> Outcome:
    """Write every format and return the outcome. Each file appears whole or not at all."""
    report = Reporter(services, key, run_id)
    report.tell(Phase.EXPORTS, PhaseState.RUNNING, provider=own_results.PROVIDER)
    started = services.clock()
    try:
        return report.ended(_export(services, key, started))
    except CatalogError:
        raise  # a failure could not be recorded either
    except PipelineError as error:
        return report.ended(failed(Phase.EXPORTS, error, own_results.PROVIDER))


def _export(services: Services, key: VideoKey, started: datetime) -> Outcome:
    timeline = read_timeline(services.catalog, key)
    current = own_results.current(services, key, Phase.TIMELINE, timeline.media.sha256)
    if current is None:
        raise SourceError(
            "the current version of the video has no timeline yet",
            where=str(key),
            remedy="Run timeline first.",
        )
    own_results.check_current(services, key, timeline.media.sha256)
    outputs, written = services.outputs.project(key.project), list[str]()
    for form in FORMATS:
        name = f"{key.prefix}{form.NAME}"
        with outputs.writer(name, form.MEDIA_TYPE) as out:
            form.write(timeline, out)
        written.append(name)
    inputs = {Phase.TIMELINE: current.fingerprint}
    origin = own_results.provenance(timeline.media.sha256, started, services.clock(), inputs=inputs)
    counts = {"files": len(written)}
    return own_results.publish(services, key, Phase.EXPORTS, origin, counts=counts, outputs=written)
