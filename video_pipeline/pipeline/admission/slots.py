"""Whether a request may be made now: a slot is free, and the day's paid minutes are not used up.

Asked before each request that a provider bounds or bills, by runs and by the sweep. A unit that is
not admitted waits in the backlog, with the reason; submit.py says who is next, and budget.py what
may be paid.
"""

from datetime import timedelta

from video_pipeline.catalog.units import Units
from video_pipeline.domain.fair_turns import (
    Turn,
    paid_seconds,
    place_of,
    pool_name,
)
from video_pipeline.domain.slots import Pool
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline.pipeline.admission import slots
from video_pipeline.pipeline.costs import budget
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs, Plugin, Slots

GRANTED = timedelta(minutes=10)
"""How long a slot is kept for a run that has yet to begin, or is fetching what it hands over."""


class Refused(Frozen):
    """Why a request may not be made now."""

    reason: str
    full: bool
    """Whether no slot is free; else the day's paid minutes are used up."""


class Place(Frozen):
    """Where a unit stands among all that wait for a pool, from 1."""

    place: int
    of: int


def slots_of(plugin: Plugin, request: WorkRequest) -> Slots | None:
    """What bounds a request at its provider."""
    return plugin.slots(request.operation) if isinstance(plugin, Jobs) else None


def pool_of(plugin: Plugin, request: WorkRequest) -> str:
    """The pool in which a request waits, bounded or not."""
    slots = slots_of(plugin, request)
    return pool_name(request, slots.shared_by if slots else None)


def admit(
    services: Services,
    unit: WorkUnit,
    plugin: Plugin,
    *,
    newcomer: bool = True,
    lease: timedelta = GRANTED,
) -> Refused | None:
    """Take what the unit's request needs; None where it has got it. Repeatable.

    A newcomer passes nobody that waits. A request that may have been made already, and is made
    again with its token, needs nothing more. Raises CatalogError.
    """
    if not take_slot(services, unit, plugin, newcomer=newcomer, lease=lease):
        if unit.state is UnitState.SUBMITTING:
            return None
        return Refused(reason=_crowded(services, unit, plugin), full=True)
    refused = None if unit.state is UnitState.SUBMITTING else budget.reserve(services, unit)
    if refused is not None:
        free(services, unit, plugin)
        return Refused(reason=refused, full=False)
    return None


def take_slot(
    services: Services, unit: WorkUnit, plugin: Plugin, *, newcomer: bool, lease: timedelta
) -> bool:
    """Take a slot, or go on holding one's own; False where none is to be had now."""
    slots = slots_of(plugin, unit.request)
    if slots is None:
        return True
    pool, project = pool_of(plugin, unit.request), unit.request.key.project
    pools = services.catalog.admissions
    return pools.take(pool, slots.limit, project, unit.id, lease, newcomer=newcomer)


def wait(services: Services, unit: WorkUnit, plugin: Plugin, reason: str) -> None:
    """Put a unit in intent into the backlog."""
    units = services.of(unit.request.key.project).units
    units.wait(unit.id, reason, pool_of(plugin, unit.request), paid_seconds(unit.planned))


def free(services: Services, unit: WorkUnit, plugin: Plugin | None) -> None:
    """Give the unit's slot back: its job has ended, or its request was not made."""
    if plugin is not None and slots_of(plugin, unit.request):
        services.catalog.admissions.free(pool_of(plugin, unit.request), unit.id)


def give_back(services: Services, unit: WorkUnit, plugin: Plugin | None) -> None:
    """The same, and its paid minutes: the provider refused it, or was never asked."""
    free(services, unit, plugin)
    if paid_seconds(unit.planned):
        services.catalog.admissions.give_back(unit.id)


def projects_in(services: Services, pool: str, state: Pool | None) -> dict[str, Turn]:
    """How each project stands in a pool; those that have nothing there are left out."""
    held: dict[str, int] = {}
    for slot in state.holders if state else ():
        held[slot.project] = held.get(slot.project, 0) + 1
    found: dict[str, Turn] = {}
    for project in services.catalog.projects():
        waiting = services.of(project).units.backlog().get(pool, 0)
        if waiting or project in held:
            served = state.served.get(project) if state else None
            found[project] = Turn(waiting=waiting, held=held.get(project, 0), served=served)
    return found


def place(services: Services, unit: WorkUnit, pool: str) -> Place:
    """Where a unit stands that waits for a pool, or is about to: as many requests are made before
    its own, where no other project comes to it meanwhile."""
    project = unit.request.key.project
    state = next(iter(services.catalog.admissions.pools(pool)), None)
    found = projects_in(services, pool, state)
    mine = found.get(project, Turn(waiting=0))
    number = services.of(project).units.number(unit, pool)
    mine = mine.model_copy(update={"waiting": max(mine.waiting + (not unit.waiting), number)})
    found[project] = mine
    total = sum(turn.waiting for turn in found.values())
    return Place(place=place_of(found, project, number), of=total)


def _crowded(services: Services, unit: WorkUnit, plugin: Plugin) -> str:
    """What it waits for: a slot, unless the day's minutes would not suffice for it either."""
    if short := budget.short_of(services, unit):
        return short
    found = place(services, unit, pool_of(plugin, unit.request))
    return f"{crowded(plugin, unit.request)}: place {found.place} of {found.of}"


def crowded(plugin: Plugin, request: WorkRequest) -> str:
    """That a request waits for a slot."""
    slots = slots_of(plugin, request)
    if slots is None:
        return f"waits for its turn at {request.provider}"
    return (
        f"waits for one of {slots.limit} slots of {request.plugin}, account {request.account}, "
        f"region {request.region} ({slots.shared_by})"
    )


def affordable(services: Services, units: Units, pool: str, limit: int) -> list[WorkUnit]:
    """The oldest units of a project in a pool that today's minutes suffice for. The reason of each
    that waits is made to say what it waits for now. Those that are put off keep theirs."""
    now = services.clock()
    first = next(iter(units.waiting(pool, now, 1)), None)
    if first is None:
        return []
    request = first.request
    left, whose_left = budget.left(services, request)
    whole, whose_whole = budget.whole(services, request)
    today = budget.used_up(services, request, whose_left, ever=True)
    units.explain(pool, today, now, over=left, up_to=whole)
    ever = budget.used_up(services, request, whose_whole, ever=False)
    units.explain(pool, ever, now, over=whole)
    plugin = services.plugins.get(request.provider)
    if plugin is not None:
        units.explain(pool, slots.crowded(plugin, request), now, up_to=left)
    return units.waiting(pool, now, limit, left)
