"""Archives and restores videos by hand: the partition of a finished video leaves Dagster.

Catalogue, outputs and Dagster's records stay, so a restored key shows its materializations. Only
the request is recorded here; the sensor changes the partition.
"""

from datetime import datetime

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.phases import PHASES
from video_pipeline.domain.source import Due, VideoRecord


def archive(
    catalog: ProjectCatalog, record: VideoRecord, now: datetime, *, force: bool = False
) -> bool:
    """Archive a finished video, or any video by force. Return False if it is archived already.

    Raises InputError with the reason if the video is not finished or is being removed.
    """
    why = "it is being removed" if record.due is Due.REMOVAL else _unfinished(catalog, record)
    if why and not (force and record.due is not Due.REMOVAL):
        raise InputError(
            why,
            where=str(record.key),
            remedy="Wait until it is finished, or archive it as it is with --force.",
        )
    if record.archived_at is not None:
        return False
    return _changed(catalog.arrivals.archive(record, now), record)


def restore(catalog: ProjectCatalog, record: VideoRecord) -> bool:
    """Restore an archived video. Return False if it is not archived. Raises InputError.

    A video that was archived before its first run becomes due for a run.
    """
    if record.archived_at is None:
        return False
    never_ran = record.removed_at is None and not catalog.results.statuses(record.key.video)
    due = Due.RUN if never_ran else Due.RESTORATION
    return _changed(catalog.arrivals.restore(record, due), record)


def _changed(done: bool, record: VideoRecord) -> bool:
    if not done:
        raise InputError(
            "a new version of it has just arrived, or it was removed",
            where=str(record.key),
            remedy="Check it with `video-pipeline show`, then try again.",
        )
    return done


def _unfinished(catalog: ProjectCatalog, record: VideoRecord) -> str:
    """Return why a video is not finished, or "" if it is."""
    if record.due is Due.RUN:
        return "it has only just arrived"
    if any(not unit.state.final for unit in catalog.units.of_video(record.key.video)):
        return "a work unit is still open, or in doubt"
    statuses = catalog.results.statuses(record.key.video)
    for phase in PHASES:
        if phase not in statuses:
            return f"{phase} was not made yet"
        if not statuses[phase].state.good:
            return f"{phase} is {statuses[phase].state}"
    return ""
