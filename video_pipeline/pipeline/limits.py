"""How much a day may cost, as settings read it from pipeline.yaml."""

from collections.abc import Mapping

from pydantic import Field

from video_pipeline.domain.values import Frozen
from video_pipeline.plugins.base import Plugin

PROJECT_MINUTES = 60.0
"""What each project may use in a day, where nothing is said about it."""
ACCOUNT_MINUTES = 600.0
"""What all projects together may use of one account in a day, where nothing is said about it."""


class Limits(Frozen):
    """Paid minutes of video and audio a day, in UTC; infinity for no limit."""

    paid_minutes_per_day: float = Field(default=PROJECT_MINUTES, ge=0)
    """Of each project."""
    projects: dict[str, float] = Field(default_factory=dict[str, float])
    """Of single projects, where it is another."""
    providers: dict[str, float] = Field(default_factory=dict[str, float])
    """Of the accounts of single entries, all projects together."""

    def of_project(self, project: str) -> float:
        """What a project may use in a day."""
        return self.projects.get(project, self.paid_minutes_per_day)

    def of_account(self, plugins: Mapping[str, Plugin], plugin: str, account: str) -> float:
        """What may be used of a plugin's account in a day: the least that an entry of it says."""
        entry = self.entry_of_account(plugins, plugin, account)
        return ACCOUNT_MINUTES if entry is None else self.providers[entry]

    def entry_of_account(
        self, plugins: Mapping[str, Plugin], plugin: str, account: str
    ) -> str | None:
        """The entry that bounds an account: others of the same account may say more, or nothing."""
        said = (
            name
            for name, one in plugins.items()
            if name in self.providers and (one.name, one.account) == (plugin, account)
        )
        return min(said, key=self.providers.__getitem__, default=None)
