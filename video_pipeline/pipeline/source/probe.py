"""The first two phases: reading the source, and probing its streams."""

from video_pipeline.domain.errors import SourceError
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import VideoRecord
from video_pipeline.media.reader import MediaReader
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.source.read import read_source, replaced
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.storage.store import IngestStore


def source_video(run: VideoRun, ingest: IngestStore) -> Outcome:
    """Read the source once and record its hash. Bad input gives a failed outcome, no exception."""

    def work() -> Outcome:
        started = run.clock()
        progress = Reporter(run).progress(Phase.SOURCE_VIDEO, own_results.PROVIDER)
        record = read_source(run.key, ingest, run.catalog.videos, progress)
        reading, counts = run.with_content(record.sha256 or ""), {"bytes": record.source.size}
        origin = own_results.provenance(reading.content, started, run.clock())
        return own_results.publish(reading, Phase.SOURCE_VIDEO, origin, counts=counts)

    return own_results.reported(run, Phase.SOURCE_VIDEO, work)


def media_info(run: VideoRun, ingest: IngestStore, reader: MediaReader) -> Outcome:
    """Probe the source and record its streams. Bad input gives a failed outcome, no exception."""

    def work() -> Outcome:
        started = run.clock()
        record = known_source(run)
        probing = run.with_content(record.sha256 or "")
        earlier = own_results.current(probing, Phase.MEDIA_INFO)
        if record.media is not None and earlier is not None:
            return own_results.reused(earlier)
        store = ingest.project(run.key.project)
        with store.open(record.source.object_key, record.source.version) as source:
            media = reader.probe(source, probing.content)
        if not run.catalog.videos.set_media(run.key.video, probing.content, media):
            raise replaced(record)
        counts = {"streams": (media.video is not None) + (media.audio is not None)}
        origin = own_results.provenance(probing.content, started, run.clock())
        return own_results.publish(
            probing, Phase.MEDIA_INFO, origin, counts=counts, warnings=media.warnings
        )

    return own_results.reported(run, Phase.MEDIA_INFO, work)


def known_source(run: VideoRun) -> VideoRecord:
    """Return the record of a video. Raises SourceError if its source was not read yet."""
    record = run.record()
    if record.sha256 is None:
        raise SourceError(
            "the source was not read yet, or has been replaced since",
            where=str(run.key),
            remedy="Run source_video first.",
        )
    return record
