"""Which of a project's waiting units the day's paid minutes suffice for, and why others wait."""

from video_pipeline.catalog.interface import Units
from video_pipeline.domain.admission import account_name
from video_pipeline.domain.work import WorkRequest, WorkUnit
from video_pipeline.pipeline import admission
from video_pipeline.pipeline.services import Services


def affordable(services: Services, units: Units, pool: str, limit: int) -> list[WorkUnit]:
    """The oldest units of a project in a pool that today's minutes suffice for. The reason of each
    that waits is made to say what it waits for now."""
    first = next(iter(units.waiting(pool, 1)), None)
    if first is None:
        return []
    request = first.request
    left, whose_left = _left(services, request)
    whole, whose_whole = _whole(services, request)
    units.explain(
        pool, admission.used_up(services, request, whose_left, ever=True), over=left, up_to=whole
    )
    units.explain(pool, admission.used_up(services, request, whose_whole, ever=False), over=whole)
    plugin = services.plugins.get(request.provider)
    if plugin is not None:
        units.explain(pool, admission.crowded(plugin, request), up_to=left)
    return units.waiting(pool, limit, left)


def _left(services: Services, request: WorkRequest) -> tuple[float, str]:
    """The paid seconds that may still be used today, and whose they are."""
    budget, day = admission.budget_of(services, request), admission.today(services)
    used = services.catalog.admissions.used
    of_project = budget.project_seconds - used(day, project=request.key.project)
    of_account = budget.account_seconds - used(day, account=account_name(request))
    return min((max(0.0, of_project), "project"), (max(0.0, of_account), "account"))


def _whole(services: Services, request: WorkRequest) -> tuple[float, str]:
    budget = admission.budget_of(services, request)
    return min((budget.project_seconds, "project"), (budget.account_seconds, "account"))
