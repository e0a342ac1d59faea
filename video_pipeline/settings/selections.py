"""Reads which providers and limits projects choose, and checks them against the entries."""

from collections.abc import Iterator, Mapping

from video_pipeline.domain.errors import IdentityError
from video_pipeline.domain.naming.identity import project_id_for
from video_pipeline.domain.phases import SERVED, TEMPORAL, Phase, phase_of
from video_pipeline.pipeline.policies import (
    PROJECT_MINUTES,
    Choices,
    Limits,
    PhaseChoice,
    TruthPolicy,
)
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin
from video_pipeline.settings.document import Keys
from video_pipeline.settings.entries import plugin_of
from video_pipeline.settings.form import LimitsForm, PhaseForm, PipelineForm
from video_pipeline.settings.model import ProviderEntry
from video_pipeline.settings.problems import Problem, unknown

Phases = Mapping[Phase, PhaseForm]


def read_choices(form: PipelineForm) -> Choices:
    """Return the choices of all projects."""
    return Choices(
        phases=_choices(form.phases),
        projects={project_id_for(name): _choices(p.phases) for name, p in form.projects.items()},
    )


def _choices(phases: Phases) -> dict[Phase, PhaseChoice]:
    return {
        phase: PhaseChoice(
            providers=tuple(form.providers), optional=form.optional, language=form.language
        )
        for phase, form in phases.items()
    }


def read_limits(form: PipelineForm) -> Limits:
    """Return the daily limits of projects and accounts."""
    of_each = form.limits.paid_minutes_per_day
    return Limits(
        paid_minutes_per_day=PROJECT_MINUTES if of_each is None else of_each,
        projects=_given({project_id_for(n): one.limits for n, one in form.projects.items()}),
        providers=_given({name: one.limits for name, one in form.providers.items()}),
    )


def read_truth(form: PipelineForm) -> TruthPolicy:
    """Return what follows where results contradict the media."""
    own = {project_id_for(name): one.checks for name, one in form.projects.items() if one.checks}
    return TruthPolicy(checks=form.checks, projects=own, signals=form.signals)


def _given(limits: Mapping[str, LimitsForm]) -> dict[str, float]:
    return {
        name: one.paid_minutes_per_day
        for name, one in limits.items()
        if one.paid_minutes_per_day is not None
    }


def check_projects(form: PipelineForm) -> list[Problem]:
    """Return the problems of the projects' names."""
    problems: list[Problem] = []
    names: dict[str, str] = {}
    for name in form.projects:
        keys = ("projects", name)
        try:
            first = names.setdefault(project_id_for(name), name)
        except IdentityError as error:
            problems.append(Problem(keys=keys, what=error.what, remedy=error.remedy))
            continue
        if first != name:
            what = f"{first!r} and {name!r} are the same project: one is the other's id"
            problems.append(Problem(keys=keys, what=what, remedy="Join their settings under one."))
    return problems


def check_choices(form: PipelineForm, entries: Mapping[str, ProviderEntry]) -> list[Problem]:
    """Return the problems of the choices. The entries themselves must be valid."""
    sections: list[tuple[Keys, Phases]] = [(("phases",), form.phases)]
    sections += [(("projects", n, "phases"), p.phases) for n, p in form.projects.items()]
    return [
        problem
        for at, phases in sections
        for phase, choice in phases.items()
        for problem in _check((*at, phase.value), phase, choice, entries)
    ]


def _check(
    at: Keys, phase: Phase, choice: PhaseForm, entries: Mapping[str, ProviderEntry]
) -> Iterator[Problem]:
    if phase not in SERVED:
        yield Problem(
            keys=at,
            what=f"no provider can be chosen for {phase}: the pipeline makes it itself",
            remedy=f"Remove it. Providers serve {', '.join(SERVED)}.",
        )
        return
    for index, name in enumerate(choice.providers):
        if name not in entries:
            yield unknown((*at, index), "provider", name, entries)
        elif not _serves(entries[name], phase):
            yield Problem(
                keys=(*at, index),
                what=f"{name!r} ({entries[name].plugin}) does not serve {phase}",
                remedy="Choose another entry of `providers:`.",
            )


def _serves(entry: ProviderEntry, phase: Phase) -> bool:
    plugin = plugin_of(entry)
    if phase not in TEMPORAL:
        return issubclass(plugin, BaseTranscriptionPlugin)
    if not issubclass(plugin, BaseTemporalPlugin):
        return False
    if not entry.available:
        return True
    kinds = plugin(plugin.Options.model_validate(entry.values)).capabilities().kinds
    return any(phase_of(kind) is phase for kind in kinds)
