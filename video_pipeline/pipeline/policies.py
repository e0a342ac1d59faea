"""What pipeline.yaml decides for the use cases: providers, limits, work and arrivals."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import Removal
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


class PhaseChoice(Frozen):
    """The providers of one phase in the order in which they are asked; none: not configured."""

    providers: tuple[str, ...] = ()
    optional: bool = False
    """Whether the timeline is made without it when it fails."""
    language: str | None = None
    """For transcripts: ISO 639-1, None to detect it."""


class Choices(Frozen):
    """The choices of all projects: the common ones, and what single projects choose otherwise."""

    phases: dict[Phase, PhaseChoice] = Field(default_factory=dict[Phase, PhaseChoice])
    projects: dict[str, dict[Phase, PhaseChoice]] = Field(
        default_factory=dict[str, dict[Phase, PhaseChoice]]
    )

    def of(self, project: str, phase: Phase) -> PhaseChoice:
        """What a project chose for a phase."""
        own = self.projects.get(project, {})
        return own.get(phase) or self.phases.get(phase) or PhaseChoice()


class WorkPolicy(Frozen):
    """How work units are driven. Times in seconds."""

    lease_seconds: float = 20.0
    """How long a unit stays taken after its holder was last heard of."""
    in_doubt: Literal["hold", "retry"] = "hold"
    attempts: int = 4
    """How often a request that was throttled is made in one run."""
    backoff_seconds: float = 1.0
    backoff_ceiling_seconds: float = 30.0
    dead_after: int = Field(default=5, ge=1)
    """In how many runs a phase may fail for reasons that a retry could mend, before it is asked
    for only when it is revived or forced."""
    workers: int = 2
    """How many single-threaded jobs of one run work side by side."""


class ArrivalPolicy(Frozen):
    """How arrivals are found, and what becomes of videos whose objects are gone."""

    keys_a_tick: PositiveInt = 10_000
    """How many keys of the ingest store one tick of the sensor lists."""
    messages_a_tick: PositiveInt = 1_000
    """How many messages of the queue one tick takes up."""
    pause_seconds: NonNegativeFloat | None = None
    """Between two sweeps of the ingest store. Without it: none, and 900 where a queue tells of
    arrivals, since a sweep then only finds what the queue has lost."""
    removal: Removal = Removal.KEEP
    """What becomes of a video whose object is gone: keep, archive or delete."""
    missing_seconds: NonNegativeFloat = 300.0
    """How long a sweep must have missed a video before it is taken for removed: a place that was
    mounted wrongly, or is just being moved, can be put right meanwhile."""
    removals_at_once: NonNegativeInt = 100
    """Where more videos of one project are missing at once, none is taken for removed: the wrong
    place may have been looked at."""
    removals_share: float = Field(default=0.5, ge=0, le=1)
    """The same where more than five, and more than this share of its videos, are missing."""
