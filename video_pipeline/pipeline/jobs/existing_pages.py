"""Find the requests that the outputs know and the catalogue has forgotten, and continue them.

After a backup of MongoDB is restored, or with a new database, `_raw/` may hold requests and pages
whose rows are missing or older. They were paid, so they are adopted instead of requested again.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import count

from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.work import Stage, UnitFailure, UnitState, WorkRequest, WorkUnit, unit_id
from video_pipeline.pipeline.admission.gate import Gate
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.pipeline.jobs.raw_pages import (
    MANIFEST,
    REQUEST,
    RawPages,
    RequestRecord,
    are_stored,
)
from video_pipeline.pipeline.services import Services

_log = logging.getLogger(__name__)
# The time of a request without a record or pages: its token may have expired long ago.
_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_OUTDATED = "a later request of it is stored: this row comes from an older backup of MongoDB"


@dataclass(frozen=True, slots=True)
class Folder:
    """What is stored of a generation."""

    whole: bool
    """Whether all pages are stored."""
    forced_by: str = ""


def generation_to_open(
    latest: WorkUnit | None,
    newer: Mapping[int, Folder],
    *,
    forced_by: str = "",
    is_lost: bool = False,
) -> int | None:
    """Return the generation whose row is opened, or None to continue the latest row.

    `newer` are the stored generations after the latest row, which the catalogue has forgotten.
    `forced_by` is a run that has not settled a generation of its own. `is_lost` means that the
    pages of the settled row were deleted.
    """
    first = 0 if latest is None else latest.generation + 1
    is_open = latest is not None and not latest.state.final
    if forced_by and (newer or not is_open):
        own = [number for number, folder in newer.items() if folder.forced_by == forced_by]
        return max(own) if own else next(n for n in count(first) if n not in newer)
    whole = [number for number, folder in newer.items() if folder.whole]
    if latest is not None and latest.state is UnitState.SETTLED and not is_lost:
        return max(whole, default=None)
    if newer:
        return max(whole or newer)
    return None if is_open else first


class ExistingPages:
    """The raw folders of one video, listed at first use, once for a run."""

    def __init__(self, services: Services, key: VideoKey) -> None:
        self._services, self._key = services, key
        self._units = services.of(key.project).units
        self._outputs = services.outputs.project(key.project)

    def take(self, planned: Planned, leases: Leases, forced_by: str = "") -> WorkUnit:
        """Lease and return the unit of a request that this run continues, opened if missing."""
        unit = leases.take(self._open(planned, leases, forced_by).id)
        while unit.state.may_be_reopened:  # ended by the run that held the lease
            unit = leases.take(self._open(planned, leases, "").id)
        if unit.unwanted:  # this run needs it again
            self._units.set_unwanted(unit.id, False)
        return self.adopted(unit)

    def _open(self, planned: Planned, leases: Leases, forced_by: str) -> WorkUnit:
        request, known = planned.request, planned.unit
        reused = known is not None and known.state is UnitState.SETTLED
        latest = known if reused else self._units.latest(request)
        settled = latest if latest and latest.state is UnitState.SETTLED else None
        if settled and forced_by and (reused or self._units.was_settled(request, forced_by)):
            forced_by = ""
        newer = self.newer(request, -1 if latest is None else latest.generation)
        is_lost = settled is not None and not (reused or forced_by) and self._is_lost(settled)
        generation = generation_to_open(latest, newer, forced_by=forced_by, is_lost=is_lost)
        if latest is not None:
            if generation is None:
                return latest
            self._end_outdated(latest, planned, leases)
        assert generation is not None, "without a row one is opened"
        if generation in newer:
            forced_by = newer[generation].forced_by
        now = self._services.clock()
        return self._units.open(request, generation, planned.usage, now, forced_by=forced_by)

    def newer(self, request: WorkRequest, last: int) -> dict[int, Folder]:
        """Return the stored generations of a request after `last` that have no row."""
        records = self._forgotten
        if not records:
            return {}
        known = {record.generation for record in records.values() if record}
        found: dict[int, Folder] = {}
        for generation in count(last + 1):
            unit = unit_id(request, generation)
            if unit in records:
                record = records[unit]
                forced_by = record.forced_by if record else ""
                found[generation] = Folder(MANIFEST in self._names[unit], forced_by)
            elif generation > max(known, default=-1):
                return found
        raise AssertionError("the generations end")

    def adopted(self, unit: WorkUnit) -> WorkUnit:
        """Return a leased unit, as one whose request was made if the outputs prove that.

        It then continues like a unit whose process died: stored pages are read, and a request is
        repeated only if that is safe. It takes no slot and no paid minutes.
        """
        if unit.state.stage is not Stage.UNSENT or unit.id not in self._names:
            return unit
        record = RawPages(self._outputs, self._key, unit.id).requested()
        now, names = self._services.clock(), self._names[unit.id]
        whole = MANIFEST in names
        if record is None and REQUEST in names and not whole:
            return unit  # refused and deleted since the folders were listed
        if record and unit.refused_at and record.requested_at <= unit.refused_at and not whole:
            return unit  # refused, but the record could not be deleted
        begun = record.requested_at if record else now if whole else _UNKNOWN_TIME
        what = "pages" if whole else "request"
        _log.warning("%s: work unit %s: adopting the stored %s", self._key, unit.id, what)
        return self._units.adopt(unit, begun, now)

    def _is_lost(self, unit: WorkUnit) -> bool:
        """Return whether the raw pages of a settled unit were deleted, so it must be paid again."""
        if are_stored(self._outputs, unit):
            return False
        _log.warning("%s: work unit %s lost its raw pages; requesting it again", self._key, unit.id)
        return True

    def _end_outdated(self, unit: WorkUnit, planned: Planned, leases: Leases) -> None:
        """Fail a row that has ended in truth, as a later generation is stored."""
        if unit.state.final:
            return
        unit = leases.take(unit.id)
        if not unit.state.final:
            failure = UnitFailure(category=FailureCategory.CANCELLED, message=_OUTDATED)
            requested = unit.state.stage is not Stage.UNSENT or unit.id in self._names
            used = unit.planned if requested else ()
            now = self._services.clock()
            self._units.finish(unit, UnitState.FAILED, now, used=used, failure=failure)
            Gate(self._services, planned.plugin, planned.request).free(unit)
        leases.release(unit.id)

    @cached_property
    def _names(self) -> dict[str, set[str]]:
        """The names stored for each unit."""
        names: dict[str, set[str]] = {}
        prefix = self._key.raw_prefix
        for stored in self._outputs.listing(prefix):
            unit, _, name = stored.key.removeprefix(prefix).partition("/")
            names.setdefault(unit, set()).add(name)
        return names

    @cached_property
    def _forgotten(self) -> dict[str, RequestRecord | None]:
        """The stored units without a row, and the records of their requests."""
        known = self._units.among(self._names) if self._names else {}
        return {
            unit: RawPages(self._outputs, self._key, unit).requested() if REQUEST in names else None
            for unit, names in self._names.items()
            if unit not in known
        }
