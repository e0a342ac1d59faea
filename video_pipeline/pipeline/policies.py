"""The decisions of pipeline.yaml for the use cases: providers, limits, work and arrivals."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from video_pipeline.domain.phases import SERVED, Phase
from video_pipeline.domain.results.findings import FindingKind, FindingPolicy
from video_pipeline.domain.source import Removal
from video_pipeline.domain.values import Frozen
from video_pipeline.plugins.base import Plugin

# Default limits a day: for each project, and for all projects together at one account.
PROJECT_MINUTES = 60.0
ACCOUNT_MINUTES = 600.0


class Limits(Frozen):
    """Paid minutes of video and audio a day, in UTC; infinity for no limit."""

    paid_minutes_per_day: float = Field(default=PROJECT_MINUTES, ge=0)
    """For each project."""
    projects: dict[str, float] = Field(default_factory=dict[str, float])
    """Exceptions for single projects."""
    providers: dict[str, float] = Field(default_factory=dict[str, float])
    """For the accounts of single entries, all projects together."""

    def of_project(self, project: str) -> float:
        return self.projects.get(project, self.paid_minutes_per_day)

    def of_account(self, plugins: Mapping[str, Plugin], plugin: str, account: str) -> float:
        """Return the minutes a day of a plugin's account: the lowest limit of its entries."""
        entry = self.entry_of_account(plugins, plugin, account)
        return ACCOUNT_MINUTES if entry is None else self.providers[entry]

    def entry_of_account(
        self, plugins: Mapping[str, Plugin], plugin: str, account: str
    ) -> str | None:
        """Return the entry with the lowest limit of an account, or None if none has a limit."""
        limited = (
            name
            for name, one in plugins.items()
            if name in self.providers and (one.name, one.account) == (plugin, account)
        )
        return min(limited, key=self.providers.__getitem__, default=None)


class PhaseChoice(Frozen):
    """The providers of one phase, in the order in which they are tried. Empty: not configured."""

    providers: tuple[str, ...] = ()
    optional: bool = False
    """Whether the timeline is made without the phase if it fails."""
    language: str | None = None
    """For transcripts: an ISO 639-1 code, or None to detect the language."""


class Choices(Frozen):
    """The choices of all projects: the common ones, and the exceptions of single projects."""

    phases: dict[Phase, PhaseChoice] = Field(default_factory=dict[Phase, PhaseChoice])
    projects: dict[str, dict[Phase, PhaseChoice]] = Field(
        default_factory=dict[str, dict[Phase, PhaseChoice]]
    )

    def of(self, project: str, phase: Phase) -> PhaseChoice:
        own = self.projects.get(project, {})
        return own.get(phase) or self.phases.get(phase) or PhaseChoice()

    def not_configured(self) -> frozenset[Phase]:
        """Return the served phases for which no project has a provider."""
        given = (self.phases, *self.projects.values())
        named = {phase for one in given for phase, choice in one.items() if choice.providers}
        return frozenset(SERVED) - named


Checks = dict[FindingKind, FindingPolicy]


class TruthPolicy(Frozen):
    """What follows where a result contradicts its media, and whether a decode is made for it."""

    checks: Checks = Field(default_factory=Checks)
    """Exceptions from the policies in domain/results/findings.py."""
    projects: dict[str, Checks] = Field(default_factory=dict[str, Checks])
    """Exceptions of single projects from these."""
    signals: Literal["when-decoded", "always"] = "when-decoded"
    """Whether results are compared with the media only if a run has decoded it, or always."""

    def of(self, project: str) -> Checks:
        """Return the exceptions that hold for a project."""
        return self.checks | self.projects.get(project, {})


class WorkPolicy(Frozen):
    """The handling of work units. Times in seconds."""

    lease_seconds: float = 20.0
    """How long a lease lasts after its holder last renewed it."""
    in_doubt: Literal["hold", "retry"] = "hold"
    attempts: int = 4
    """How often one run makes a throttled request."""
    backoff_seconds: PositiveFloat = 1.0
    """The first pause after a request that was refused or not answered. Each next one is twice as
    long, in a run as in a pool."""
    backoff_ceiling_seconds: PositiveFloat = 30.0
    """The longest pause in a run."""
    deferral_seconds: PositiveFloat = 60.0
    """How long a unit waits without a run after its second refusal, besides the pause of its pool;
    twice as long after each next."""
    deferral_ceiling_seconds: PositiveFloat = 900.0
    """The longest of these waits, and the longest that a pool pauses if its provider asks for it;
    else it pauses at most a minute."""
    deferrals: int = Field(default=10, ge=2)
    """After so many refusals a unit fails, if others of its pool were accepted meanwhile."""
    dead_after: int = Field(default=5, ge=1)
    """The number of runs with retryable failures after which a phase is dead: it then runs only
    when revived or forced."""
    workers: int = 2
    """How many single-threaded jobs of one run work in parallel."""


class ArrivalPolicy(Frozen):
    """How arrivals are found, and how videos whose objects are gone are removed."""

    keys_a_tick: PositiveInt = 10_000
    """How many keys of the ingest store one tick of the sensor lists."""
    messages_a_tick: PositiveInt = 1_000
    """How many messages of the queue one tick processes."""
    pause_seconds: NonNegativeFloat | None = None
    """Between two sweeps of the ingest store. Default: 0, or 900 with notifications, since a sweep
    then only finds what the queue has lost."""
    removal: Removal = Removal.KEEP
    """How a video whose object is gone is removed: keep, archive or delete."""
    missing_seconds: NonNegativeFloat = 300.0
    """How long sweeps must miss a video before it is removed: time to correct a wrong mount, or to
    finish moving files."""
    removals_at_once: NonNegativeInt = 100
    """If more videos of one project are missing at once, none is removed: the store may be the
    wrong one."""
    removals_share: float = Field(default=0.5, ge=0, le=1)
    """The same if more than five, and more than this share of its videos, are missing."""
