"""The backlog: in which pool a request waits, at which place, and what for."""

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.fair_turns import Turn, place_of, pool_name
from video_pipeline.domain.slots import Pool
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import Wait, WaitKind, WorkRequest, WorkUnit
from video_pipeline.pipeline.costs.budget import budget_of
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Jobs, Plugin, Slots


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


def projects_in(catalog: Catalog, pool: str, state: Pool | None) -> dict[str, Turn]:
    """Return each project's waiting and running units in a pool, without idle projects."""
    held: dict[str, int] = {}
    for slot in state.holders if state else ():
        held[slot.project] = held.get(slot.project, 0) + 1
    found: dict[str, Turn] = {}
    for project in catalog.projects():
        waiting = catalog.project(project).units.backlog().get(pool, 0)
        if waiting or project in held:
            served = state.served.get(project) if state else None
            found[project] = Turn(waiting=waiting, held=held.get(project, 0), served=served)
    return found


def position(catalog: Catalog, unit: WorkUnit, pool: str) -> Position:
    """Return the present position of a unit that waits for a pool, or is about to."""
    project = unit.request.key.project
    state = next(iter(catalog.admissions.pools(pool)), None)
    found = projects_in(catalog, pool, state)
    mine = found.get(project, Turn(waiting=0))
    number = catalog.project(project).units.number(unit, pool)
    mine = mine.model_copy(update={"waiting": max(mine.waiting + (not unit.state.parked), number)})
    found[project] = mine
    total = sum(turn.waiting for turn in found.values())
    return Position(number=place_of(found, project, number), of=total)


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
