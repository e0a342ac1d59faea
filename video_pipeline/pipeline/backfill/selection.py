"""Selects the phases and videos that a re-run of a project would make. Launches nothing.

A phase brings its downstream phases, and the inspection of the source if that is missing. Dead
phases are left out unless forced; so are missing phases that wait for an unselected failed one.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from video_pipeline.catalog.standings import Standings
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import SERVED, Phase, downstream
from video_pipeline.domain.progress import ENDED_BADLY, PhaseState
from video_pipeline.domain.staleness import VideoStanding
from video_pipeline.pipeline.analysis.failure_limit import is_dead
from video_pipeline.pipeline.backfill.staleness import Choosing, choosing, stale_videos, staleness
from video_pipeline.pipeline.progress.interruption import report_interrupted
from video_pipeline.pipeline.selection.choice import ProjectProviders
from video_pipeline.pipeline.services import Services


class Only(StrEnum):
    """Which phases a re-run selects."""

    ALL = "all"
    MISSING = "missing"
    """Without a result of the current source version, and not failed: new, waiting, parked,
    cancelled, or made from a version that was replaced and is not inspected yet."""
    FAILED = "failed"
    """Failed, dead, interrupted, or optional and skipped after a failure."""
    STALE = "stale"
    """With a result that today's choice or inputs would make differently."""
    UNMATERIALIZED = "unmaterialized"
    """With a result that Dagster does not show. It is shown again, and nothing runs: see
    unmaterialized.py."""


_INSPECTION = frozenset({Phase.SOURCE_VIDEO, Phase.MEDIA_INFO})
_FAILED = (*ENDED_BADLY, PhaseState.SKIPPED)
_NOT_MISSING = (PhaseState.DONE, PhaseState.NOT_CONFIGURED, *_FAILED)


@dataclass(frozen=True, slots=True)
class Wish:
    """A person's request for a re-run."""

    project: str
    phases: frozenset[Phase] = frozenset(Phase)
    only: Only = Only.ALL
    force: bool = False
    """Whether to request and pay for existing results again, and for dead phases too."""


@dataclass(frozen=True, slots=True)
class Picked:
    """One video of a selection, as far as a launch needs it."""

    key: VideoKey
    phases: frozenset[Phase]
    """All phases that would run."""
    asked: frozenset[Phase]
    """Those of them for which a provider would be asked."""


@dataclass(frozen=True, slots=True)
class Selected(Picked):
    """One video of a selection with its standing."""

    standing: VideoStanding
    force: bool = False
    """See Wish.force."""


def select(services: Services, wish: Wish) -> Iterator[Selected]:
    """Return the selected videos in order, without archived ones.

    Raises InputError for a project without videos.
    """
    report_interrupted(services.catalog, wish.project, services.clock())
    providers = ProjectProviders(wish.project, services.choices, services.plugins)
    return _select(services.of(wish.project).standings, providers, wish)


def _select(standings: Standings, providers: ProjectProviders, wish: Wish) -> Iterator[Selected]:
    chosen = choosing(providers)
    for standing in (s for s in _candidates(standings, chosen, wish.only) if not s.archived):
        stale = frozenset(staleness(standing, chosen))
        dead = frozenset(p for p in Phase if not wish.force and is_dead(providers, standing, p))
        phases = _phases(wish, standing, stale, dead)
        if not phases:
            continue
        yield Selected(
            key=VideoKey(project=wish.project, video=standing.video),
            standing=standing,
            force=wish.force,
            phases=phases,
            asked=frozenset(
                phase
                for phase in phases.intersection(SERVED)
                if chosen[phase].configured and (wish.force or _is_asked(standing, phase, stale))
            ),
        )


def _candidates(standings: Standings, chosen: Choosing, only: Only) -> Iterator[VideoStanding]:
    if only is Only.STALE:
        return stale_videos(standings, chosen)
    if only is Only.FAILED:
        failed = standings.in_state(*_FAILED)
        return standings.videos({video for video, _ in failed})
    return standings.videos()


def _phases(
    wish: Wish, standing: VideoStanding, stale: Collection[Phase], dead: frozenset[Phase]
) -> frozenset[Phase]:
    fitting = frozenset(p for p in wish.phases - dead if _fits(wish, standing, p, stale))
    if wish.only is Only.MISSING:
        failed = frozenset(p for p, state in standing.states.items() if state.ended_badly)
        fitting -= downstream(failed - fitting)
    if not fitting:
        return fitting
    uninspected = _INSPECTION if standing.media is None else frozenset[Phase]()
    return (fitting | downstream(fitting) | uninspected) - dead


def _fits(wish: Wish, standing: VideoStanding, phase: Phase, stale: Collection[Phase]) -> bool:
    state = standing.states.get(phase)
    if wish.only is Only.ALL:
        return True
    if wish.only is Only.STALE:
        return phase in stale
    if wish.only is Only.FAILED:
        return state in _FAILED
    return state not in _NOT_MISSING or _is_unread(standing)


def _is_unread(standing: VideoStanding) -> bool:
    """Return whether the current source version is not inspected, and no inspection failed."""
    inspected = (standing.states.get(phase) for phase in _INSPECTION)
    return standing.media is None and not any(s and s.ended_badly for s in inspected)


def _is_asked(standing: VideoStanding, phase: Phase, stale: Collection[Phase]) -> bool:
    """Return whether an unforced run would ask a provider again."""
    made = standing.made.get(phase)
    return made is None or made.state is not PhaseState.DONE or phase in stale
