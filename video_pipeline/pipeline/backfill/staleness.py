"""Finds stale results: made by none of today's choices, or from outdated inputs. Changes nothing.

If a provider's library or secret is missing here, its choice is unknown and its results count as
current.
"""

from collections.abc import Iterator
from typing import Literal

from video_pipeline.catalog.standings import Standings
from video_pipeline.domain.naming.identity import ProjectId, VideoId
from video_pipeline.domain.phases import SERVED, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.staleness import Current, Made, VideoStanding, outdated
from video_pipeline.domain.values import Frozen
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.selection.choice import ProjectProviders
from video_pipeline.pipeline.services import Services

# A project's choices of today, for every phase that providers serve.
Choosing = dict[Phase, Current]


class Stale(Frozen):
    """A stale result, with its choice and today's in words."""

    project: ProjectId
    video: VideoId
    phase: Phase
    why: Literal["choice", "input"]
    reason: str
    made_by: str
    """Provider and model, or "not configured"."""
    would_be_made_by: str


def choosing(providers: ProjectProviders) -> Choosing:
    return {phase: _current(providers, phase) for phase in SERVED}


def _current(providers: ProjectProviders, phase: Phase) -> Current:
    choices = {name: providers.choice(name, phase) for name in providers.order(phase)}
    return Current(
        choices=tuple(choice for choice in choices.values() if choice is not None),
        untold=tuple(name for name, choice in choices.items() if choice is None),
    )


def staleness(standing: VideoStanding, chosen: Choosing) -> dict[Phase, tuple[str, str]]:
    """Return the stale phases of one video, each with `choice` or `input` and the reason. Pure."""
    found: dict[Phase, tuple[str, str]] = {}
    for phase, made in standing.made.items():
        if reason := outdated(phase, standing.made):
            found[phase] = ("input", reason)
        elif phase in chosen and _is_by_other_choice(made, chosen[phase]):
            found[phase] = ("choice", "made by another choice than today's")
    return found


def _is_by_other_choice(made: Made, current: Current) -> bool:
    if made.choice in current.choices:
        return False
    if made.state is PhaseState.NOT_CONFIGURED:
        return current.configured
    by_provider = made.provider not in (own_results.PROVIDER, *current.untold)
    return made.state is PhaseState.DONE and by_provider


def stale_videos(standings: Standings, chosen: Choosing) -> Iterator[VideoStanding]:
    """Yield the videos with a stale result: candidates by index, then checked exactly."""
    candidates = set(standings.outdated())
    for phase, current in chosen.items():
        candidates.update(standings.otherwise(phase, current))
    for standing in standings.videos(candidates):
        if not standing.archived and staleness(standing, chosen):
            yield standing


def stale(services: Services, project: str) -> Iterator[Stale]:
    """Yield the stale results of a project, by video and in phase order."""
    providers = ProjectProviders(project, services.choices, services.plugins)
    chosen = choosing(providers)
    for standing in stale_videos(services.of(project).standings, chosen):
        found = staleness(standing, chosen)
        for phase in (p for p in Phase if p in found):
            why, reason = found[phase]
            yield Stale.model_validate(
                {
                    "project": project,
                    "video": standing.video,
                    "phase": phase,
                    "why": why,
                    "reason": reason,
                    "made_by": _made_by(standing.made[phase]),
                    "would_be_made_by": _would_be(providers, phase),
                }
            )


def counts(services: Services, project: str) -> dict[Phase, int]:
    """Count the results of each phase that another choice made, by index; zeros are left out."""
    standings = services.of(project).standings
    chosen = choosing(ProjectProviders(project, services.choices, services.plugins))
    found = {phase: standings.count_otherwise(phase, one) for phase, one in chosen.items()}
    return {phase: count for phase, count in found.items() if count}


def _made_by(made: Made) -> str:
    if made.state is PhaseState.NOT_CONFIGURED:
        return str(made.state)
    return " ".join(filter(None, [made.provider, made.model]))


def _would_be(providers: ProjectProviders, phase: Phase) -> str:
    """Return the providers of today with their models, or the pipeline for its own phases."""
    if phase not in SERVED:
        return own_results.PROVIDER
    order, plugins = providers.order(phase), providers.plugins
    models = ((name, plugins[name].model if name in plugins else "") for name in order)
    names = [" ".join(filter(None, both)) for both in models]
    return ", else ".join(names) or str(PhaseState.NOT_CONFIGURED)
