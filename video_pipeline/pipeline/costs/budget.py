"""Reserve paid seconds of a UTC day, by project and by account, and explain refusals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from video_pipeline.catalog.admissions import Admissions
from video_pipeline.domain.fair_turns import account_name, paid_seconds
from video_pipeline.domain.slots import Budget
from video_pipeline.domain.work import Wait, WaitKind, WorkRequest, WorkUnit
from video_pipeline.pipeline.policies import Limits
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Plugin


def budget_of(services: Services, request: WorkRequest) -> "DayBudget":
    """Return what the request's project and account may use today."""
    today = services.clock().astimezone(UTC).date()
    return DayBudget(request, services.limits, services.plugins, services.catalog.admissions, today)


@dataclass(frozen=True, slots=True)
class DayBudget:
    """The paid seconds of one UTC day for the project and the account of a request."""

    request: WorkRequest
    limits: Limits
    plugins: Mapping[str, Plugin]
    admissions: Admissions
    day: date

    @property
    def seconds(self) -> Budget:
        """Return the seconds of the whole day."""
        request, limits = self.request, self.limits
        account = limits.of_account(self.plugins, request.plugin, request.account) * 60
        project = limits.of_project(request.key.project) * 60
        return Budget(project_seconds=project, account_seconds=account)

    def whole_day(self) -> tuple[float, str]:
        """Return the paid seconds of the whole day, and which limit is the lower."""
        whole = self.seconds
        return min((whole.project_seconds, "project"), (whole.account_seconds, "account"))

    def remaining(self) -> tuple[float, str]:
        """Return the paid seconds left, and which limit is the lower: project or account."""
        seconds, used = self.seconds, self.admissions.used
        of_project = seconds.project_seconds - used(self.day, project=self.request.key.project)
        of_account = seconds.account_seconds - used(self.day, account=account_name(self.request))
        return min((max(0.0, of_project), "project"), (max(0.0, of_account), "account"))

    def reserve(self, unit: WorkUnit) -> Wait | None:
        """Reserve the unit's paid seconds. Returns None, or what the unit must wait for."""
        seconds, whole = paid_seconds(unit.planned), self.seconds
        if not seconds:
            return None
        project, account = self.request.key.project, account_name(self.request)
        refused = self.admissions.reserve(unit.id, project, account, seconds, whole, self.day)
        if refused is None:
            return None
        limit = whole.project_seconds if refused == "project" else whole.account_seconds
        return self.used_up(refused, ever=seconds <= limit)

    def shortage(self, unit: WorkUnit) -> Wait | None:
        """Return what the unit would wait for if it reserved now, or None."""
        seconds = paid_seconds(unit.planned)
        for bound, ever in ((self.whole_day, False), (self.remaining, True)):
            limit, whose = bound()
            if seconds > limit:
                return self.used_up(whose, ever=ever)
        return None

    def used_up(self, whose: str, *, ever: bool) -> Wait:
        """Return the wait for paid seconds; `ever`: whether those of a whole day would do."""
        request, project = self.request, self.request.key.project
        if whose == "project":
            seconds, who = self.seconds.project_seconds, project
            own = project in self.limits.projects
            key = f"projects.{project}.limits" if own else "limits"
        else:
            seconds = self.seconds.account_seconds
            who = f"account {request.account} of {request.plugin}"
            account = (self.plugins, request.plugin, request.account)
            entry = self.limits.entry_of_account(*account) or request.provider
            key = f"providers.{entry}.limits"
        tomorrow = datetime.combine(self.day + timedelta(days=1), datetime.min.time(), UTC)
        return Wait(
            kind=WaitKind.MINUTES if ever else WaitKind.LIMIT,
            until=tomorrow if ever else None,
            scope=who,
            limit=round(seconds / 60, 1),
            detail=f"{key}.paid_minutes_per_day",
        )
