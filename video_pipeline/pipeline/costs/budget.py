"""Reserve paid seconds of a UTC day, by project and by account, and explain refusals."""

from datetime import UTC, date, datetime, timedelta

from video_pipeline.domain.fair_turns import account_name, paid_seconds
from video_pipeline.domain.slots import Budget
from video_pipeline.domain.work import Wait, WaitKind, WorkRequest, WorkUnit
from video_pipeline.pipeline.services import Services


def budget_of(services: Services, request: WorkRequest) -> Budget:
    """Return what the request's project and account may use in a day."""
    limits, project = services.limits, request.key.project
    account = limits.of_account(services.plugins, request.plugin, request.account)
    return Budget(project_seconds=limits.of_project(project) * 60, account_seconds=account * 60)


def today(services: Services) -> date:
    """Return the current day in UTC."""
    return services.clock().astimezone(UTC).date()


def remaining(services: Services, request: WorkRequest) -> tuple[float, str]:
    """Return the paid seconds left today, and which limit is the lower: project or account."""
    budget, day = budget_of(services, request), today(services)
    used = services.catalog.admissions.used
    of_project = budget.project_seconds - used(day, project=request.key.project)
    of_account = budget.account_seconds - used(day, account=account_name(request))
    return min((max(0.0, of_project), "project"), (max(0.0, of_account), "account"))


def whole_day(services: Services, request: WorkRequest) -> tuple[float, str]:
    """Return the paid seconds of a whole day, and which limit is the lower."""
    budget = budget_of(services, request)
    return min((budget.project_seconds, "project"), (budget.account_seconds, "account"))


def reserve(services: Services, unit: WorkUnit) -> Wait | None:
    """Reserve the unit's paid seconds. Returns None, or what the unit must wait for."""
    seconds = paid_seconds(unit.planned)
    if not seconds:
        return None
    request, budget = unit.request, budget_of(services, unit.request)
    refused = services.catalog.admissions.reserve(
        unit.id, request.key.project, account_name(request), seconds, budget, today(services)
    )
    if refused is None:
        return None
    limit = budget.project_seconds if refused == "project" else budget.account_seconds
    return used_up(services, request, refused, ever=seconds <= limit)


def shortage(services: Services, unit: WorkUnit) -> Wait | None:
    """Return what the unit would wait for if it reserved now, or None."""
    seconds = paid_seconds(unit.planned)
    for bound, ever in ((whole_day, False), (remaining, True)):
        limit, whose = bound(services, unit.request)
        if seconds > limit:
            return used_up(services, unit.request, whose, ever=ever)
    return None


def used_up(services: Services, request: WorkRequest, whose: str, *, ever: bool) -> Wait:
    """Return the wait for paid seconds; `ever`: whether the limit of a whole day would do."""
    budget, project = budget_of(services, request), request.key.project
    if whose == "project":
        seconds, who = budget.project_seconds, project
        own = project in services.limits.projects
        key = f"projects.{project}.limits" if own else "limits"
    else:
        seconds = budget.account_seconds
        who = f"account {request.account} of {request.plugin}"
        account = (services.plugins, request.plugin, request.account)
        entry = services.limits.entry_of_account(*account) or request.provider
        key = f"providers.{entry}.limits"
    tomorrow = datetime.combine(today(services) + timedelta(days=1), datetime.min.time(), UTC)
    return Wait(
        kind=WaitKind.MINUTES if ever else WaitKind.LIMIT,
        until=tomorrow if ever else None,
        scope=who,
        limit=round(seconds / 60, 1),
        detail=f"{key}.paid_minutes_per_day",
    )
