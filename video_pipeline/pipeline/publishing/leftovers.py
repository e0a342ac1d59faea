"""What is left of a video that is not registered: rows and files that no removal will delete.

An earlier version recorded runs of partitions that were added by hand. Files stay where a catalogue
was lost. Work units are kept: they are the ledger of what was paid.
"""

from video_pipeline.domain.errors import InputError
from video_pipeline.domain.values import Frozen
from video_pipeline.pipeline.video_run import VideoRun


class Leftovers(Frozen):
    """What is left of one video."""

    phases: int
    """Phases with a status or a result."""
    outputs: int
    raw_pages: int
    """Files that a provider delivered. They were perhaps paid for."""


def leftovers(run: VideoRun) -> Leftovers:
    """Count what is left of a video. Raises InputError if the video is registered."""
    _check_unregistered(run)
    key = run.key
    return Leftovers(
        phases=len(run.catalog.results.statuses(key.video)),
        outputs=_count(run, key.prefix),
        raw_pages=_count(run, key.raw_prefix),
    )


def forget(run: VideoRun) -> None:
    """Delete what is left of a video, rows last. Repeatable.

    Raises InputError if the video is registered, or has arrived meanwhile.
    """
    for prefix in (run.key.prefix, run.key.raw_prefix):
        for stored in run.outputs.listing(prefix):
            _check_unregistered(run)
            run.outputs.delete(stored.key)
    _check_unregistered(run)
    run.catalog.results.forget(run.key.video)


def _count(run: VideoRun, prefix: str) -> int:
    return sum(1 for _ in run.outputs.listing(prefix))


def _check_unregistered(run: VideoRun) -> None:
    record = run.catalog.videos.get(run.key.video)
    if record is not None:
        raise InputError(
            "the video is registered, so that it cannot be forgotten",
            where=str(run.key),
            remedy=f"Delete {record.source.object_key} from the ingest store: it is then removed "
            "by `arrivals.removal` of pipeline.yaml. `video-pipeline archive` takes its partition "
            "out of Dagster.",
        )
