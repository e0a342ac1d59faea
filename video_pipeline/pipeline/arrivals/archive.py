"""Archiving by hand: a finished video's partition leaves Dagster, and can come back.

Catalogue and outputs stay as they are, and so does what Dagster has recorded: a key that comes
back shows what was materialized before. Here only the wish is recorded, for the sensor to see to.
"""

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.phases import PHASES
from video_pipeline.domain.source import Due, VideoRecord
from video_pipeline.pipeline.services import Services


def archive(services: Services, record: VideoRecord, *, force: bool = False) -> bool:
    """Archive a finished video, with force any; False where it is archived already.

    Raises InputError that says why it is not finished, and where it is being removed.
    """
    half = services.of(record.key.project)
    why = "it is being removed" if record.due is Due.REMOVAL else _unfinished(half, record)
    if why and not (force and record.due is not Due.REMOVAL):
        raise InputError(
            why,
            where=str(record.key),
            remedy="Wait until it is finished, or archive it as it is with --force.",
        )
    if record.archived_at is not None:
        return False
    return _changed(half.arrivals.archive(record, services.clock()), record)


def restore(services: Services, record: VideoRecord) -> bool:
    """Take a video out of the archive; False where it is in none. One that was archived before
    its run was requested is due for that. Raises InputError."""
    if record.archived_at is None:
        return False
    half = services.of(record.key.project)
    never_ran = record.removed_at is None and not half.results.statuses(record.key.video)
    due = Due.RUN if never_ran else Due.RESTORATION
    return _changed(half.arrivals.restore(record, due), record)


def _changed(done: bool, record: VideoRecord) -> bool:
    if not done:
        raise InputError(
            "it has just arrived anew, or was removed",
            where=str(record.key),
            remedy="Look with `video-pipeline show`, and try again.",
        )
    return done


def _unfinished(half: ProjectCatalog, record: VideoRecord) -> str:
    """Why a video is not finished; empty where it is."""
    if record.due is Due.RUN:
        return "it has only just arrived"
    if any(not unit.state.ended for unit in half.units.of_video(record.key.video)):
        return "work is under way at a provider, or in doubt"
    statuses = half.results.statuses(record.key.video)
    for phase in PHASES:
        if phase not in statuses:
            return f"{phase} was not made yet"
        if not statuses[phase].state.good:
            return f"{phase} is {statuses[phase].state}"
    return ""
