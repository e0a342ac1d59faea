"""The sample videos of the demo, put into the ingest folder as anyone's would be."""

from pathlib import Path

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.cli.local.deliver import deliver
from video_pipeline.cli.local.verdict import has_failed
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.samples import drawn, footage

PROJECTS = ("acme", "globex")


def samples() -> dict[VideoKey, Path]:
    """The sample videos, in turn for the two projects. Raises ConfigurationError."""
    files = (*drawn(), *footage())
    keys = (VideoKey(project=PROJECTS[n % 2], video=file.stem) for n, file in enumerate(files))
    return dict(zip(keys, files, strict=True))


def deliver_samples(ingest: Path, catalog: Catalog) -> None:
    """Put in every sample that is not there yet, or that failed.

    Put in again, a video is a new version to the arrivals sensor, though of the same bytes: its
    run finds what was done before. One that was interrupted is left to its queued run.
    """
    for key, file in samples().items():
        target = ingest / key.prefix / file.name
        statuses = catalog.project(key.project).results.statuses(key.video)
        if not target.is_file() or has_failed(statuses):
            deliver(file, target)
