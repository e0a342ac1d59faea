"""Which of a project's waiting units the day's paid minutes suffice for, and why others wait."""

from video_pipeline.catalog.units import Units
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline import admission, budget
from video_pipeline.pipeline.services import Services


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
        units.explain(pool, admission.crowded(plugin, request), now, up_to=left)
    return units.waiting(pool, now, limit, left)
