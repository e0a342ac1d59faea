"""What must run so that the provider of a work unit that has ended is asked once more.

`retry` is for a unit without a result: the request is made anew. `force` is for any that has ended,
and pays again for what is there. Nothing is launched here.
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

_TAKEN_UP = {UnitState.FAILED: Only.FAILED, UnitState.CANCELLED: Only.MISSING}
_INSTEAD = {
    UnitState.INTENT: "It is made by itself once its turn has come.",
    UnitState.SUBMITTING: "It is being made, or is made again by the sweep or the next run; to "
    "give it up, `video-pipeline jobs cancel` it, and `jobs release` it from doubt.",
    UnitState.RUNNING: "Wait for its job, or `video-pipeline jobs cancel` it before.",
    UnitState.IN_DOUBT: "Look at the provider; then `video-pipeline jobs release` it.",
    UnitState.SETTLED: "Its result is there; `video-pipeline jobs force` pays for another one.",
}


@dataclass(frozen=True, slots=True)
class Again:
    """A run over one video that asks the unit's provider for the unit's phases."""

    wish: Wish
    picked: Picked
    providers: Mapping[Phase, str]
    """Who is to be asked, where pipeline.yaml would ask somebody else first."""


def retry(services: Services, unit: WorkUnit) -> Again:
    """What makes the request of a failed or cancelled unit again; phases that were given up are
    revived. Raises InputError where that cannot be."""
    if not unit.state.may_be_reopened:
        raise _refused(unit, f"it is {unit.state}", _INSTEAD[unit.state])
    again = _again(services, unit, Only(_TAKEN_UP[unit.state]), force=False)
    statuses = services.of(unit.request.key.project).results.statuses(unit.request.key.video)
    dead = [
        p for p in unit.request.phases if p in statuses and statuses[p].state is PhaseState.DEAD
    ]
    if dead:
        revive(services, unit.request.key, dead)
    return again


def force(services: Services, unit: WorkUnit) -> Again:
    """What makes the request of an ended unit again, and pays again. Raises InputError where that
    cannot be."""
    if not unit.state.ended:
        raise _refused(unit, f"it is {unit.state}", _INSTEAD[unit.state])
    return _again(services, unit, Only.ALL, force=True)


def to_pay(services: Services, unit: WorkUnit) -> tuple[Usage, ...]:
    """What forcing it would use, as far as its earlier requests tell: with it go all the requests
    by which its provider serves the same phases."""
    request = unit.request
    alike = {
        one.request.digest: one
        for one in services.of(request.key.project).units.of_video(request.key.video)
        if (one.request.provider, one.request.content) == (request.provider, request.content)
        and set(one.request.phases) & set(request.phases)
    }
    return summed(usage for one in alike.values() for usage in one.planned)


def asking_first(services: Services, unit: WorkUnit) -> dict[Phase, str]:
    """The unit's provider for those of its phases of which pipeline.yaml asks another first."""
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
    """A run asks about the video as it is now, and of the entries that there are now."""
    request, project = unit.request, services.of(unit.request.key.project)
    if request.provider not in services.plugins and request.provider not in services.unavailable:
        remedy = f"`video-pipeline backfill --project {request.key.project} --only failed` asks "
        raise _refused(
            unit, f"pipeline.yaml names no {request.provider!r} any more", f"{remedy}others."
        )
    record = project.videos.get(request.key.video)
    if record is None or record.removed_at or record.archived_at:
        raise _refused(
            unit, f"{request.key} is removed or archived", "`video-pipeline restore` it before."
        )
    if record.sha256 is not None and record.sha256 != request.content:
        remedy = f"`video-pipeline backfill --project {request.key.project} --only missing`."
        raise _refused(unit, f"{request.key} is of another version now", remedy)
    latest = project.units.latest(request)
    if latest is not None and latest.id != unit.id:
        remedy = f"See to that one: {latest.id}."
        raise _refused(unit, f"it was asked again since, and that is {latest.state}", remedy)


def _refused(unit: WorkUnit, what: str, remedy: str) -> InputError:
    return InputError(what, where=f"work unit {unit.id}", remedy=remedy)
