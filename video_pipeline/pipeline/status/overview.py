"""The overview of a project: counts, and the first items that need a person's attention."""

from collections.abc import Mapping
from datetime import datetime
from itertools import islice

from video_pipeline.catalog.standings import Standings
from video_pipeline.domain.naming.identity import ProjectId
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import ENDED_BADLY, PhaseState
from video_pipeline.domain.source import Rejection, Totals
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import UnitFilter, UnitSum
from video_pipeline.pipeline.backfill.staleness import counts
from video_pipeline.pipeline.jobs.queries import UNDER_WAY
from video_pipeline.pipeline.services import Services

# The length of each list.
SHOWN = 50


class Noted(Frozen):
    """A phase of a video that may need a person's attention."""

    video: str
    phase: Phase
    state: PhaseState
    provider: str | None = None
    since: datetime | None = None
    message: str = ""


class Overview(Frozen):
    """The overview of a project. Lists have at most SHOWN items; counts are complete."""

    project: ProjectId
    totals: Totals
    states: dict[Phase, dict[PhaseState, int]]
    stale: dict[Phase, int]
    usage: tuple[tuple[str, Usage], ...]
    """Usage so far, by provider."""
    units: tuple[UnitSum, ...]
    """Open work units, by provider and state."""
    rejections: tuple[Rejection, ...]
    parked: tuple[Noted, ...]
    failed: tuple[Noted, ...]
    """Dead phases first."""
    warnings: tuple[Noted, ...]

    def count(self, *states: PhaseState) -> int:
        return sum(of_phase.get(state, 0) for of_phase in self.states.values() for state in states)


def overview(services: Services, project: str) -> Overview:
    catalog = services.of(project)
    standings = catalog.standings
    states: dict[Phase, dict[PhaseState, int]] = {}
    for (phase, state), count in standings.counts().items():
        states.setdefault(phase, {})[state] = count
    return Overview(
        project=catalog.project,
        totals=standings.totals(),
        states={phase: states[phase] for phase in Phase if phase in states},
        stale=_stale(standings, counts(services, project)),
        usage=tuple(standings.usage()),
        units=tuple(catalog.units.sums(UnitFilter(states=UNDER_WAY))),
        rejections=tuple(catalog.videos.rejections(SHOWN)),
        parked=_noted(standings, PhaseState.PARKED),
        failed=_noted(standings, *ENDED_BADLY),
        warnings=_warnings(standings),
    )


def _stale(standings: Standings, by_choice: Mapping[Phase, int]) -> dict[Phase, int]:
    """Count the stale results of each phase: by choice, by source or by input."""
    by_input = standings.count_outdated()
    both = {phase: by_choice.get(phase, 0) + by_input.get(phase, 0) for phase in Phase}
    return {phase: count for phase, count in both.items() if count}


def _noted(standings: Standings, *states: PhaseState) -> tuple[Noted, ...]:
    found = islice(standings.in_state(*states), SHOWN)
    return tuple(
        Noted(
            video=video,
            phase=status.phase,
            state=status.state,
            provider=status.provider,
            since=status.updated_at,
            message=status.message,
        )
        for video, status in found
    )


def _warnings(standings: Standings) -> tuple[Noted, ...]:
    """Return each warning of a video once, with the first phase that gives it."""
    found: dict[tuple[str, str], Noted] = {}
    for video, phase, warnings in islice(standings.warned(), 4 * SHOWN):
        for warning in warnings:
            noted = Noted(video=video, phase=phase, state=PhaseState.DONE, message=warning)
            found.setdefault((video, warning), noted)
    return tuple(islice(found.values(), SHOWN))
