"""The preview of a selection: videos, phases, providers, minutes and paid usage.

No request is sent to a provider.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial

from pydantic import Field

from video_pipeline.catalog.units import Units
from video_pipeline.domain.errors import ProviderError
from video_pipeline.domain.phases import PHASES, Phase
from video_pipeline.domain.values import Frozen, Rational
from video_pipeline.pipeline.analysis.planner import Assigner, Subject, analysis_request
from video_pipeline.pipeline.backfill.selection import Only, Picked, Selected, Wish, select
from video_pipeline.pipeline.backfill.unmaterialized import Shown, select_unmaterialized
from video_pipeline.pipeline.jobs.raw_pages import are_stored
from video_pipeline.pipeline.selection.choice import ProjectProviders
from video_pipeline.pipeline.services import Services, projects_of
from video_pipeline.pipeline.source.read import source_uri
from video_pipeline.plugins.ranking import rank
from video_pipeline.storage.store import IngestStore, ProjectOutputs

# Stands for the id of a forced run; no unit was requested for it.
_NO_RUN = "a preview"


class PhasePreview(Frozen):
    """What would run of one phase."""

    videos: int
    asked: dict[str, int] = Field(default_factory=dict)
    """Provider to the number of videos for which it would be asked. Other results are reused."""
    refused: dict[str, int] = Field(default_factory=dict)
    """Provider with the reason why it is passed over, to the number of videos."""


class Preview(Frozen):
    """The totals of a selection."""

    videos: int = 0
    seconds: Rational = Fraction(0)
    """The duration of the probed videos."""
    uninspected: int = 0
    """Videos that were not probed yet: their usage is unknown."""
    phases: dict[Phase, PhasePreview] = Field(default_factory=dict[Phase, PhasePreview])
    paid: dict[str, dict[str, Rational]] = Field(default_factory=dict[str, dict[str, Rational]])
    """Provider to meter to the quantity to be billed, if every first choice succeeds.

    Jobs already paid for or running are reused and not counted.
    """


def plan(
    services: Services, wish: Wish, shown: Callable[[], Shown] = Shown
) -> tuple[Preview, list[Picked]]:
    """Select and preview in one pass, keeping what a launch needs. Raises InputError.

    `shown` asks Dagster what it shows, for results that it does not.
    """
    if wish.only is Only.UNMATERIALIZED:
        projects_of(services.catalog, wish.project)
        standings = services.of(wish.project).standings
        return _unmaterialized(*select_unmaterialized(standings, wish, shown()))
    selected, picked = select(services, wish), list[Picked]()
    count = _Count(
        ProjectProviders(wish.project, services.choices, services.plugins),
        services.ingest,
        services.outputs.project(wish.project),
        services.of(wish.project).units,
    )
    for one in selected:
        count.add(one)
        picked.append(Picked(one.key, one.phases, one.asked))
    return count.preview(), picked


def _unmaterialized(picked: list[Picked], seconds: Fraction) -> tuple[Preview, list[Picked]]:
    counted = Counter(phase for one in picked for phase in one.phases)
    phases = {phase: PhasePreview(videos=counted[phase]) for phase in Phase if phase in counted}
    return Preview(videos=len(picked), seconds=seconds, phases=phases), picked


class _Count:
    def __init__(
        self,
        providers: ProjectProviders,
        ingest: IngestStore,
        outputs: ProjectOutputs,
        units: Units,
    ) -> None:
        self._providers, self._ingest = providers, ingest
        self._outputs, self._units = outputs, units
        self._videos = self._uninspected = 0
        self._seconds = Fraction(0)
        self._phases = Counter[Phase]()
        self._asked: dict[Phase, Counter[str]] = {}
        self._refused: dict[Phase, Counter[str]] = {}
        self._paid: dict[str, dict[str, Fraction]] = {}

    def add(self, one: Selected) -> None:
        self._videos += 1
        self._phases.update(one.phases)
        media = one.standing.media
        if media is None:
            self._uninspected += 1
            return
        self._seconds += media.duration
        subject = Subject(
            media,
            language=self._providers.language,
            uri=source_uri(self._ingest, one.key, one.standing.object_key),
        )
        by_provider: dict[str, list[Phase]] = {}
        for phase in one.asked:
            provider = self._first(phase, subject)
            if provider:
                by_provider.setdefault(provider, []).append(phase)
                self._asked.setdefault(phase, Counter())[provider] += 1
        for provider, phases in by_provider.items():
            self._pay(one, provider, phases, subject)

    def preview(self) -> Preview:
        return Preview(
            videos=self._videos,
            seconds=self._seconds,
            uninspected=self._uninspected,
            phases={
                phase: PhasePreview(
                    videos=self._phases[phase],
                    asked=dict(self._asked.get(phase, {})),
                    refused=dict(self._refused.get(phase, {})),
                )
                for phase in Phase
                if phase in self._phases
            },
            paid=self._paid,
        )

    def _first(self, phase: Phase, subject: Subject) -> str | None:
        """Return the provider that would be asked first, or None if there is none or no stream."""
        media = subject.media
        if (media.audio if PHASES[phase].stream == "audio" else media.video) is None:
            return None
        verdicts = rank(
            self._providers.order(phase),
            self._providers.plugins,
            lambda plugin: analysis_request(plugin, subject, [phase]),
        )
        for verdict in verdicts:
            if verdict.kept:
                return verdict.provider
            refused = self._refused.setdefault(phase, Counter())
            refused[f"{verdict.provider}: {verdict.reason}"] += 1
        return None

    def _pay(self, one: Selected, provider: str, phases: list[Phase], subject: Subject) -> None:
        plugin = self._providers.plugins[provider]
        assigner = Assigner(one.key, subject.media.sha256, subject)
        try:
            planned = assigner.plan(provider, plugin, phases)
            if any(used.paid for request in planned for used in request.usage):
                planned = self._with_units(assigner, one).plan(provider, plugin, phases)
        except ProviderError:
            return  # a run would fall back to the next provider
        new = (request for request in planned if request.unit is None)
        for usage in (used for request in new for used in request.usage if used.paid):
            meters = self._paid.setdefault(provider, {})
            meters[usage.counted] = meters.get(usage.counted, Fraction(0)) + usage.quantity

    def _with_units(self, assigner: Assigner, one: Selected) -> Assigner:
        """Return the planner with the units that a run would reuse."""
        units = self._units.of_video(one.key.video)
        return replace(
            assigner,
            units=[unit for unit in units if not unit.state.may_be_reopened],
            has_pages=partial(are_stored, self._outputs),
            forced_by=_NO_RUN if one.force else "",
        )
