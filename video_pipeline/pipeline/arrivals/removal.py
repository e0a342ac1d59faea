"""The removal of a video whose object is gone, by the policy in pipeline.yaml.

The removal stays due in the catalogue until it is complete, and every step may be repeated after a
kill. Only objects below the video's prefixes and rows of its id are deleted; work units stay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from video_pipeline.catalog.arrivals import Arrivals
from video_pipeline.catalog.units import Units
from video_pipeline.catalog.videos import Videos
from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.progress import ENDED_BADLY, PhaseState
from video_pipeline.domain.source import Removal, VideoRecord
from video_pipeline.domain.work import Stage, UnitFailure, UnitState, WorkUnit
from video_pipeline.pipeline.jobs.close import close
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.storage.store import ProjectOutputs

_BECAUSE = "the video was removed"
_OPEN = (PhaseState.WAITING, PhaseState.RUNNING, PhaseState.PARKED, *ENDED_BADLY)
# Objects deleted in one round: a tick of the sensor has seconds, not minutes.
MOST_DELETED = 500
# Objects deleted between two checks of the record.
_PORTION = 20


@dataclass
class Allowance:
    """The deletions and the time left to one round, for all projects together."""

    deletions: int = MOST_DELETED
    late: Callable[[], bool] = lambda: False

    @property
    def is_spent(self) -> bool:
        return self.deletions <= 0 or self.late()


def carry_out(services: Services, record: VideoRecord, allowance: Allowance) -> bool:
    """End the open work of a removed video and, if the policy is to delete, delete its outputs.

    Return False if the allowance ends before that, or if the record has changed: the video has
    arrived again and owns what is there. Raises StorageError, CatalogError; repeat it then.
    """
    if not _end_work(services, record, allowance):
        return False
    project = record.key.project
    if services.removal_of(project) is not Removal.DELETE:
        _end_phases(VideoRun.of(services, record.key))
        return True
    catalog, outputs = services.of(project), services.outputs.project(project)
    deleted = _delete(outputs, catalog.videos, record, allowance)
    if not (deleted and _is_as_recorded(catalog.videos, record)):
        return False
    catalog.results.forget(record.key.video)
    return True


def _is_as_recorded(videos: Videos, record: VideoRecord) -> bool:
    now = videos.get(record.key.video)
    return now is not None and _arrival(now) == _arrival(record)


def _arrival(record: VideoRecord) -> tuple[object, ...]:
    return record.arrived_at, record.removed_at, record.due


def _delete(
    outputs: ProjectOutputs, videos: Videos, record: VideoRecord, allowance: Allowance
) -> bool:
    """Delete outputs and raw pages. Return whether all are gone."""
    for prefix in (record.key.prefix, record.key.raw_prefix):
        while portion := [one.key for one in islice(outputs.listing(prefix), _PORTION)]:
            if allowance.is_spent or not _is_as_recorded(videos, record):
                return False
            for key in portion[: allowance.deletions]:
                outputs.delete(key)
                allowance.deletions -= 1
    return True


def finish(arrivals: Arrivals, record: VideoRecord, policy: Removal) -> bool:
    """Record that the removal is complete, once the partition is done too.

    Return False if the video has arrived again meanwhile.
    """
    if policy is Removal.DELETE:
        return arrivals.forget(record)
    at = record.archived_at or (record.removed_at if policy is Removal.ARCHIVE else None)
    return arrivals.archive(record, at) if at else arrivals.done(record)


def _end_work(services: Services, record: VideoRecord, allowance: Allowance) -> bool:
    """Close every open unit, even if its provider does not cancel it or does not answer.

    Return False if some are left: units under lease are left to a later round.
    """
    catalog, all_closed = services.of(record.key.project), True
    units = catalog.units
    for unit in [one for one in units.of_video(record.key.video) if not one.state.final]:
        if allowance.late() or not _is_as_recorded(catalog.videos, record):
            return False
        close(services, record.key, unit.id, _BECAUSE)
        now = units.get(unit.id)
        if now and not now.state.final and now.holder is not None:
            all_closed = False
        elif now and now.state.stage is Stage.ACCEPTED:
            _cancel(units, now, services.clock())
    return all_closed


def _end_phases(run: VideoRun) -> None:
    """Cancel the phases that have not ended, or have failed: no run will make them."""
    report = Reporter(run)
    for status in run.catalog.results.statuses(run.key.video).values():
        if status.state in _OPEN:
            message = f"{_BECAUSE}; {status.state} before"
            message += f": {status.message}" if status.message else ""
            report.tell(
                status.phase, PhaseState.CANCELLED, provider=status.provider, message=message
            )


def _cancel(units: Units, unit: WorkUnit, now: datetime) -> None:
    """Cancel a unit, and count its planned usage as used."""
    message = f"{_BECAUSE}: its provider did not cancel the job"
    failure = UnitFailure(category=FailureCategory.CANCELLED, message=message)
    used = unit.planned
    units.finish(unit, UnitState.CANCELLED, now, used=used, failure=failure)
