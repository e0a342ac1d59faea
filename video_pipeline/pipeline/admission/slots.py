"""Admit a request if a slot is free and the day's paid minutes suffice.

Runs and the sweep ask before each request that a provider limits or bills. A refused unit waits in
the backlog.
"""

from datetime import timedelta

from video_pipeline.domain.fair_turns import Turn, paid_seconds, place_of, pool_name
from video_pipeline.domain.slots import Pool
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import Stage, Wait, WaitKind, WorkRequest, WorkUnit
from video_pipeline.pipeline.costs.budget import budget_of
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs, Plugin, Slots

# How long a slot is kept for a run that has yet to start, or is downloading its input.
GRANTED = timedelta(minutes=10)


class Refused(Frozen):
    """Why a request may not be made now."""

    wait: Wait
    full: bool
    """Whether no slot is free; otherwise the day's paid minutes are used up."""


class Position(Frozen):
    """The number of a unit among all that wait for a pool, from 1."""

    number: int
    of: int


def slots_of(plugin: Plugin, request: WorkRequest) -> Slots | None:
    """Return the provider's limit on requests like this one, if it has any."""
    return plugin.slots(request.operation) if isinstance(plugin, Jobs) else None


def pool_of(plugin: Plugin, request: WorkRequest) -> str:
    """Return the name of the pool in which a request waits, limited or not."""
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
    """Take the slot and the paid minutes of a unit's request. Returns None, or the refusal.

    A newcomer does not overtake units that wait. A unit whose request may have been accepted
    before is never refused. Repeatable. Raises CatalogError.
    """
    sent = unit.state.stage is Stage.SENT
    if not take_slot(services, unit, plugin, newcomer=newcomer, lease=lease):
        return None if sent else Refused(wait=_wait_of(services, unit, plugin), full=True)
    short = None if sent else budget_of(services, unit.request).reserve(unit)
    if short is not None:
        free(services, unit, plugin)
        return Refused(wait=short, full=False)
    return None


def take_slot(
    services: Services, unit: WorkUnit, plugin: Plugin, *, newcomer: bool, lease: timedelta
) -> bool:
    """Take a slot, or renew the one held. Returns False if none is free."""
    slots = slots_of(plugin, unit.request)
    if slots is None:
        return True
    pool, project = pool_of(plugin, unit.request), unit.request.key.project
    pools = services.catalog.admissions
    return pools.take(pool, slots.limit, project, unit.id, lease, newcomer=newcomer)


def queue(services: Services, unit: WorkUnit, plugin: Plugin, wait: Wait) -> WorkUnit | None:
    """Add a unit to the backlog, and return it; None if its request was made."""
    units = services.of(unit.request.key.project).units
    return units.queue(unit.id, wait, pool_of(plugin, unit.request), paid_seconds(unit.planned))


def free(services: Services, unit: WorkUnit, plugin: Plugin | None) -> None:
    """Free the unit's slot, after its job has ended or its request was not made."""
    if plugin is not None and slots_of(plugin, unit.request):
        services.catalog.admissions.free(pool_of(plugin, unit.request), unit.id)


def refund(services: Services, unit: WorkUnit, plugin: Plugin | None) -> None:
    """Free the unit's slot and its paid minutes: nothing was billed."""
    free(services, unit, plugin)
    if paid_seconds(unit.planned):
        services.catalog.admissions.unreserve(unit.id)


def projects_in(services: Services, pool: str, state: Pool | None) -> dict[str, Turn]:
    """Return each project's waiting and running units in a pool, without idle projects."""
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


def position(services: Services, unit: WorkUnit, pool: str) -> Position:
    """Return the present position of a unit that waits for a pool, or is about to."""
    project = unit.request.key.project
    state = next(iter(services.catalog.admissions.pools(pool)), None)
    found = projects_in(services, pool, state)
    mine = found.get(project, Turn(waiting=0))
    number = services.of(project).units.number(unit, pool)
    mine = mine.model_copy(update={"waiting": max(mine.waiting + (not unit.state.parked), number)})
    found[project] = mine
    total = sum(turn.waiting for turn in found.values())
    return Position(number=place_of(found, project, number), of=total)


def _wait_of(services: Services, unit: WorkUnit, plugin: Plugin) -> Wait:
    """Return what the unit waits for: paid minutes if they are short too, else a slot."""
    if short := budget_of(services, unit.request).shortage(unit):
        return short
    found = position(services, unit, pool_of(plugin, unit.request))
    place = f"place {found.number} of {found.of}"
    return for_slot(plugin, unit.request).model_copy(update={"detail": place})


def for_slot(plugin: Plugin, request: WorkRequest) -> Wait:
    """Return the wait of a request for a slot, or for its turn where there are none."""
    slots = slots_of(plugin, request)
    if slots is None:
        return Wait(kind=WaitKind.SLOT, scope=request.provider)
    whose = f"{request.plugin}, account {request.account}, region {request.region}"
    return Wait(kind=WaitKind.SLOT, scope=f"{whose} ({slots.shared_by})", limit=slots.limit)


def affordable(services: Services, project: str, pool: str, limit: int) -> list[WorkUnit]:
    """Return the oldest units that today's minutes suffice for, and update what all wait for."""
    units, now = services.of(project).units, services.clock()
    first = next(iter(units.queued(pool, now, 1)), None)
    if first is None:
        return []
    request, budget = first.request, budget_of(services, first.request)
    left, whose_left = budget.remaining()
    whole_day, whose_day = budget.whole_day()
    tomorrow = budget.used_up(whose_left, ever=True)
    units.explain(pool, tomorrow, now, over=left, up_to=whole_day)
    too_large = budget.used_up(whose_day, ever=False)
    units.explain(pool, too_large, now, over=whole_day)
    plugin = services.plugins.get(request.provider)
    if plugin is not None:
        units.explain(pool, for_slot(plugin, request), now, up_to=left)
    return units.queued(pool, now, limit, left)
