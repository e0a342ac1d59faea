"""What a re-run of a project would make: exactly which phases of which videos.

With each phase goes what hangs on it, and whatever of the source was not inspected yet. Nothing
is launched here. A phase that was given up, and would be today, is left out unless it is forced;
what is missing is left out where it waits for one that failed and is not taken up.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import SERVED, Phase, downstream
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.staleness import VideoStanding
from video_pipeline.pipeline.analysis.failure_limit import is_dead
from video_pipeline.pipeline.backfill.staleness import choosing, stale_videos, staleness
from video_pipeline.pipeline.services import Services, projects_of


class Only(StrEnum):
    """Which phases a re-run takes up."""

    ALL = "all"
    MISSING = "missing"
    """Those without a result of the current version that have not failed: not begun, waiting,
    parked, cancelled, or made of a version that another has replaced and nobody has read yet."""
    FAILED = "failed"
    """Those that failed, and optional ones that were skipped for it."""
    STALE = "stale"
    """Those whose result would be made otherwise today."""


_INSPECTION = frozenset({Phase.SOURCE_VIDEO, Phase.MEDIA_INFO})
_FAILED = (PhaseState.FAILED, PhaseState.SKIPPED)
_NOT_MISSING = (PhaseState.DONE, PhaseState.NOT_CONFIGURED, PhaseState.DEAD, *_FAILED)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks to be made again."""

    project: str
    phases: frozenset[Phase] = frozenset(Phase)
    only: Only = Only.ALL
    force: bool = False
    """Make again, and pay again for, what is there; dead phases too."""


@dataclass(frozen=True, slots=True)
class Picked:
    """One video of a selection: what a launch needs of it."""

    key: VideoKey
    phases: frozenset[Phase]
    """All that would run."""
    asked: frozenset[Phase]
    """The served ones among them for which a provider would have to be asked."""


@dataclass(frozen=True, slots=True)
class Selected(Picked):
    """The same with how it stands."""

    standing: VideoStanding
    force: bool = False
    """Whether what is there is made again, and paid again."""


def select(services: Services, wish: Wish) -> Iterator[Selected]:
    """The selected videos in order, streamed, archived ones left out. Raises InputError for a
    project without videos."""
    projects_of(services, wish.project)
    chosen = choosing(services, wish.project)
    for standing in (one for one in _candidates(services, wish) if not one.archived):
        stale = frozenset(staleness(standing, chosen))
        phases = _taken(services, wish, standing, stale)
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


def _candidates(services: Services, wish: Wish) -> Iterator[VideoStanding]:
    standings = services.of(wish.project).standings
    if wish.only is Only.STALE:
        return (standing for standing, _ in stale_videos(services, wish.project))
    if wish.only is Only.FAILED:
        failed = standings.in_state(*_FAILED, PhaseState.DEAD)
        return standings.videos({video for video, _ in failed})
    return standings.videos()


def _taken(
    services: Services, wish: Wish, standing: VideoStanding, stale: Collection[Phase]
) -> frozenset[Phase]:
    dead = frozenset(
        p for p in Phase if not wish.force and is_dead(services, wish.project, standing, p)
    )
    fitting = frozenset(p for p in wish.phases - dead if _fits(wish, standing, p, stale))
    if wish.only is Only.MISSING:
        fitting -= downstream(_failed(standing) - fitting)
    if not fitting:
        return fitting
    uninspected = _INSPECTION if standing.media is None else frozenset[Phase]()
    return (fitting | downstream(fitting) | uninspected) - dead


def _failed(standing: VideoStanding) -> frozenset[Phase]:
    return frozenset(phase for phase, state in standing.states.items() if state.ended_badly)


def _fits(wish: Wish, standing: VideoStanding, phase: Phase, stale: Collection[Phase]) -> bool:
    state = standing.states.get(phase)
    if wish.only is Only.ALL:
        return True
    if wish.only is Only.STALE:
        return phase in stale
    if wish.only is Only.FAILED:
        return state in (*_FAILED, PhaseState.DEAD)
    return state not in _NOT_MISSING or _is_unread(standing)


def _is_unread(standing: VideoStanding) -> bool:
    """Whether nobody has inspected the current version, and no inspection has failed."""
    inspected = (standing.states.get(phase) for phase in _INSPECTION)
    return standing.media is None and not any(s and s.ended_badly for s in inspected)


def _is_asked(standing: VideoStanding, phase: Phase, stale: Collection[Phase]) -> bool:
    """Whether a provider would be asked again although nobody forces it."""
    made = standing.made.get(phase)
    return made is None or made.state is not PhaseState.DONE or phase in stale
