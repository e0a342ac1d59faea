"""The overview of a project: counts, and the first items that need a person's attention."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.catalog.standings import Standings
from video_pipeline.domain.naming.identity import ProjectId
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import ENDED_BADLY, PhaseState
from video_pipeline.domain.results.timeline import PhaseStatus
from video_pipeline.domain.source import Rejection, Totals
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import Stage, UnitFilter, UnitSum, WorkUnit, states_in
from video_pipeline.pipeline.backfill.staleness import counts
from video_pipeline.pipeline.jobs.queries import UNDER_WAY
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.pipeline.services import Services

# The length of each list.
SHOWN = 50
# How many phases are read for each video or warning of a list, as one may have several.
_LISTED = 4

# What a person runs next, by the worst state of a video's phases.
_AGAIN = "backfill --project {project} --only failed"
_COMMANDS = {
    PhaseState.DEAD: "revive {project}/{video}",
    PhaseState.FAILED: _AGAIN,
    PhaseState.INTERRUPTED: _AGAIN,
}
_RELEASE = "jobs release {unit}"


class Noted(Frozen):
    """A phase of a video, and what is to be known of it."""

    video: str
    phase: Phase
    provider: str | None = None
    since: datetime | None = None
    message: str = ""


class NeedsYou(Frozen):
    """A video that waits for a person, and the command that acts on it."""

    video: str
    state: str
    """Each phase that ended badly, with its state."""
    reason: str
    since: datetime | None
    command: str


class Overview(Frozen):
    """The overview of a project. Lists have at most SHOWN items; counts are complete."""

    project: ProjectId
    totals: Totals
    needing: int
    """How many videos need a person."""
    needs_you: tuple[NeedsYou, ...]
    """Those with dead phases first."""
    states: dict[Phase, dict[PhaseState, int]]
    stale: dict[Phase, int]
    usage: tuple[tuple[str, Usage], ...]
    """Usage so far, by provider."""
    units: tuple[UnitSum, ...]
    """Open work units, by provider and state."""
    rejected: int
    rejections: tuple[Rejection, ...]
    parked: tuple[Noted, ...]
    warnings: tuple[Noted, ...]
    delivered: dict[str, str]
    """Name and file, as delivered, of the videos in these lists."""

    def count(self, *states: PhaseState) -> int:
        return sum(of_phase.get(state, 0) for of_phase in self.states.values() for state in states)


def overview(services: Services, project: str) -> Overview:
    catalog = services.of(project)
    standings = catalog.standings
    states: dict[Phase, dict[PhaseState, int]] = {}
    for (phase, state), count in standings.counts().items():
        states.setdefault(phase, {})[state] = count
    doubted = _doubted(catalog)
    needs_you = tuple(islice(_needs_you(catalog, doubted), SHOWN))
    parked, warnings = _parked(standings), _warnings(standings)
    listed = {one.video for one in (*needs_you, *parked, *warnings)}
    return Overview(
        project=catalog.project,
        totals=standings.totals(),
        needing=len(standings.videos_in(*ENDED_BADLY) | doubted.keys()),
        needs_you=needs_you,
        states={phase: states[phase] for phase in Phase if phase in states},
        stale=_stale(standings, counts(services, project)),
        usage=tuple(standings.usage()),
        units=tuple(catalog.units.sums(UnitFilter(states=UNDER_WAY))),
        rejected=catalog.videos.count_rejections(),
        rejections=tuple(catalog.videos.rejections(SHOWN)),
        parked=parked,
        warnings=warnings,
        delivered=catalog.videos.delivered(listed),
    )


def _doubted(catalog: ProjectCatalog) -> dict[str, WorkUnit]:
    """Return a unit in doubt of each video that has one, by video."""
    units = catalog.units.listing(UnitFilter(states=states_in(Stage.DOUBTED)))
    found = {unit.request.key.video: unit for unit in units}
    return {video: found[video] for video in catalog.videos.delivered(found)}


def _needs_you(catalog: ProjectCatalog, doubted: Mapping[str, WorkUnit]) -> Iterator[NeedsYou]:
    """Yield videos whose phases ended badly, then the others with a unit in doubt."""
    bad: dict[str, list[PhaseStatus]] = {}
    for video, status in islice(catalog.standings.in_state(*ENDED_BADLY), _LISTED * SHOWN):
        bad.setdefault(video, []).append(status)
    for video, statuses in bad.items():
        command = _RELEASE if video in doubted else _COMMANDS[statuses[0].state]
        yield NeedsYou(
            video=video,
            state=", ".join(f"{one.phase} {one.state}" for one in statuses),
            reason=" ".join(dict.fromkeys(one.message for one in statuses)),
            since=min(one.updated_at for one in statuses),
            command=_command(command, catalog.project, video, doubted.get(video)),
        )
    for video, unit in doubted.items():
        if video not in bad:
            yield NeedsYou(
                video=video,
                state=f"{', '.join(unit.request.phases)} in doubt",
                reason=reason_of(unit),
                since=unit.submitted_at or unit.created_at,
                command=_command(_RELEASE, catalog.project, video, unit),
            )


def _command(form: str, project: str, video: str, unit: WorkUnit | None) -> str:
    told = form.format(project=project, video=video, unit=unit.id if unit else "")
    return f"video-pipeline {told}"


def _stale(standings: Standings, by_choice: Mapping[Phase, int]) -> dict[Phase, int]:
    """Count the stale results of each phase: by choice, by source or by input."""
    by_input = standings.count_outdated()
    both = {phase: by_choice.get(phase, 0) + by_input.get(phase, 0) for phase in Phase}
    return {phase: count for phase, count in both.items() if count}


def _parked(standings: Standings) -> tuple[Noted, ...]:
    found = islice(standings.in_state(PhaseState.PARKED), SHOWN)
    return tuple(
        Noted(
            video=video,
            phase=status.phase,
            provider=status.provider,
            since=status.updated_at,
            message=status.message,
        )
        for video, status in found
    )


def _warnings(standings: Standings) -> tuple[Noted, ...]:
    """Return each warning of a video once, with the first phase that gives it."""
    found: dict[tuple[str, str], Noted] = {}
    for video, phase, warnings in islice(standings.warned(), _LISTED * SHOWN):
        for warning in warnings:
            noted = Noted(video=video, phase=phase, message=warning)
            found.setdefault((video, warning), noted)
    return tuple(islice(found.values(), SHOWN))
