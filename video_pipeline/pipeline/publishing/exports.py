"""Publish the timeline in each format to the output store."""

from video_pipeline.domain.errors import SourceError
from video_pipeline.domain.phases import Phase
from video_pipeline.exports import FORMATS
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.publishing.timeline import read_timeline
from video_pipeline.pipeline.video_run import VideoRun


def export(run: VideoRun) -> Outcome:
    """Write every format and return the outcome. Each file appears whole or not at all."""
    return own_results.reported(run, Phase.EXPORTS, lambda: _export(run))


def _export(run: VideoRun) -> Outcome:
    started = run.clock()
    timeline = read_timeline(run.catalog, run.key)
    run = run.with_content(timeline.media.sha256)
    current = own_results.current(run, Phase.TIMELINE)
    if current is None:
        raise SourceError(
            "the current version of the video has no timeline yet",
            where=str(run.key),
            remedy="Run timeline first.",
        )
    own_results.check_current(run)
    written = list[str]()
    for form in FORMATS:
        name = f"{run.key.prefix}{form.NAME}"
        with run.outputs.writer(name, form.MEDIA_TYPE) as out:
            form.write(timeline, out)
        written.append(name)
    inputs = {Phase.TIMELINE: current.fingerprint}
    origin = own_results.provenance(run.content, started, run.clock(), inputs=inputs)
    counts = {"files": len(written)}
    return own_results.publish(run, Phase.EXPORTS, origin, counts=counts, outputs=written)
