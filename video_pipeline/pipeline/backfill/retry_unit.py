"""Plans the run that repeats the request of an ended work unit. Launches nothing.

`retry` is for a unit without a result. `force` is for any ended unit, and pays again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from video_pipeline.domain.errors import InputError
from video_pipeline.domain.phases import Phase, downstream
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.usage import Usage, summed
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.failure_limit import revive
from video_pipeline.pipeline.backfill.selection import Only, Picked, Wish
from video_pipeline.pipeline.services import Services

_SELECTED_BY = {UnitState.FAILED: Only.FAILED, UnitState.CANCELLED: Only.MISSING}
_REMEDIES = {
    UnitState.INTENT: "Nothing is to be done: it is submitted when a slot is free.",
    UnitState.SUBMITTING: "Wait: the sweep or the next run submits it again. To give it up, use "
    "`video-pipeline jobs cancel`, then `video-pipeline jobs release`.",
    UnitState.RUNNING: "Wait for its job, or cancel it first with `video-pipeline jobs cancel`.",
    UnitState.IN_DOUBT: "Check the job at the provider, then run `video-pipeline jobs release`.",
    UnitState.SETTLED: "Its result is stored. To pay for a new one: `video-pipeline jobs force`.",
}


@dataclass(frozen=True, slots=True)
class Again:
    """A run over one video that asks the unit's provider for the unit's phases."""

    wish: Wish
    picked: Picked
    providers: Mapping[Phase, str]
    """The provider to ask, for phases of which pipeline.yaml names another one first."""


def retry(services: Services, unit: WorkUnit) -> Again:
    """Return the run that repeats the request of a failed or cancelled unit.

    Dead phases of the unit are revived. Raises InputError if the unit cannot be retried.
    """
    if not unit.state.may_be_reopened:
        raise _refused(unit, f"it is {unit.state}", _REMEDIES[unit.state])
    again = _again(services, unit, _SELECTED_BY[unit.state], force=False)
    statuses = services.of(unit.request.key.project).results.statuses(unit.request.key.video)
    dead = [
        p for p in unit.request.phases if p in statuses and statuses[p].state is PhaseState.DEAD
    ]
    if dead:
        revive(services, unit.request.key, dead)
    return again


def force(services: Services, unit: WorkUnit) -> Again:
    """Return the run that requests and pays for an ended unit again.

    Raises InputError if the unit cannot be forced.
    """
    if not unit.state.ended:
        raise _refused(unit, f"it is {unit.state}", _REMEDIES[unit.state])
    return _again(services, unit, Only.ALL, force=True)


def to_pay(services: Services, unit: WorkUnit) -> tuple[Usage, ...]:
    """Return the expected usage of forcing a unit, from the earlier requests.

    All requests by which its provider serves the same phases are repeated with it.
    """
    request = unit.request
    alike = {
        one.request.digest: one
        for one in services.of(request.key.project).units.of_video(request.key.video)
        if (one.request.provider, one.request.content) == (request.provider, request.content)
        and set(one.request.phases) & set(request.phases)
    }
    return summed(usage for one in alike.values() for usage in one.planned)


def asking_first(services: Services, unit: WorkUnit) -> dict[Phase, str]:
    """Return the unit's provider for its phases of which pipeline.yaml names another one first."""
    request = unit.request
    firsts = {p: services.choices.of(request.key.project, p).providers[:1] for p in request.phases}
    return {p: request.provider for p, first in firsts.items() if first != (request.provider,)}


def _again(services: Services, unit: WorkUnit, only: Only, *, force: bool) -> Again:
    _check_current(services, unit)
    asked = frozenset(unit.request.phases)
    return Again(
        wish=Wish(unit.request.key.project, asked, only, force),
        picked=Picked(unit.request.key, asked | downstream(asked), asked),
        providers=asking_first(services, unit),
    )


def _check_current(services: Services, unit: WorkUnit) -> None:
    """Raise InputError if the unit is not the latest for today's source and configuration."""
    request, project = unit.request, services.of(unit.request.key.project)
    if request.provider not in services.plugins and request.provider not in services.unavailable:
        remedy = (
            "To use the providers of today, run "
            f"`video-pipeline backfill --project {request.key.project} --only failed`."
        )
        raise _refused(unit, f"pipeline.yaml no longer names {request.provider!r}", remedy)
    record = project.videos.get(request.key.video)
    if record is None or record.removed_at or record.archived_at:
        raise _refused(
            unit, f"{request.key} is removed or archived", "Run `video-pipeline restore` first."
        )
    if record.sha256 is not None and record.sha256 != request.content:
        remedy = f"Run `video-pipeline backfill --project {request.key.project} --only missing`."
        raise _refused(unit, f"{request.key} has a newer source version", remedy)
    latest = project.units.latest(request)
    if latest is not None and latest.id != unit.id:
        what = f"its request was repeated since, and the newer unit is {latest.state}"
        raise _refused(unit, what, f"Use that unit instead: {latest.id}.")


def _refused(unit: WorkUnit, what: str, remedy: str) -> InputError:
    return InputError(what, where=f"work unit {unit.id}", remedy=remedy)
