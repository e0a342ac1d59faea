"""What a selection comes to before it is launched: videos, phases, providers, minutes, and what
would be paid for. Nothing is asked of any provider.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial

from pydantic import Field

from video_pipeline.domain.errors import ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import PHASES, Phase
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.values import Frozen, Rational
from video_pipeline.pipeline.analysis.planner import Assigner, Subject, analysis_request
from video_pipeline.pipeline.backfill.selection import Picked, Selected, Wish, select
from video_pipeline.pipeline.jobs.raw_pages import are_stored
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.read import source_uri
from video_pipeline.plugins.ranking import rank

_NO_RUN = "a preview"
"""In the place of the run that would be forced: nothing was bought for it."""


class PhasePreview(Frozen):
    """What would run of one phase."""

    videos: int
    asked: dict[str, int] = Field(default_factory=dict)
    """Provider to how many videos it would be asked about; of the others the result is kept."""
    refused: dict[str, int] = Field(default_factory=dict)
    """Provider and why it cannot be asked, before others in the order, to how many videos."""


class Preview(Frozen):
    """What a selection comes to."""

    videos: int = 0
    seconds: Rational = Fraction(0)
    """Of video, of those that were probed."""
    uninspected: int = 0
    """Videos that were not probed yet: what they would use is not known."""
    phases: dict[Phase, PhasePreview] = Field(default_factory=dict[Phase, PhasePreview])
    paid: dict[str, dict[str, Rational]] = Field(default_factory=dict[str, dict[str, Rational]])
    """Provider to meter to the quantity that would be billed, if each asked first delivers. What
    was bought already, or runs, is used and not billed again."""


def plan(services: Services, wish: Wish) -> tuple[Preview, list[Picked]]:
    """Select and go through the selection in one pass; of each video only what a launch needs is
    kept. Raises InputError."""
    picked: list[Picked] = []

    def passing() -> Iterator[Selected]:
        for one in select(services, wish):
            picked.append(Picked(one.key, one.phases, one.asked))
            yield one

    return preview(services, passing()), picked


def preview(services: Services, selected: Iterable[Selected]) -> Preview:
    """Go through a selection once. Pure, but for what the plugins' planning reads."""
    counted = _Count(services)
    for one in selected:
        counted.take(one)
    return counted.preview()


class _Count:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._videos = self._uninspected = 0
        self._seconds = Fraction(0)
        self._phases = Counter[Phase]()
        self._asked: dict[Phase, Counter[str]] = {}
        self._refused: dict[Phase, Counter[str]] = {}
        self._paid: dict[str, dict[str, Fraction]] = {}

    def take(self, one: Selected) -> None:
        self._videos += 1
        self._phases.update(one.phases)
        media = one.standing.media
        if media is None:
            self._uninspected += 1
            return
        self._seconds += media.duration
        subject = self._subject(one, media)
        by_provider: dict[str, list[Phase]] = {}
        for phase in one.asked:
            provider = self._first(one, phase, subject)
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

    def _subject(self, one: Selected, media: MediaInfo) -> Subject:
        language = self._services.choices.of(one.key.project, Phase.TRANSCRIPT).language
        uri = source_uri(self._services.ingest, one.key, one.standing.object_key)
        return Subject(media, language, uri)

    def _first(self, one: Selected, phase: Phase, subject: Subject) -> str | None:
        """The provider that would be asked first; None where there is nothing to ask about."""
        media = subject.media
        if (media.audio if PHASES[phase].stream == "audio" else media.video) is None:
            return None
        verdicts = rank(
            self._services.choices.of(one.key.project, phase).providers,
            self._services.plugins,
            lambda plugin: analysis_request(plugin, subject, [phase]),
        )
        for verdict in verdicts:
            if verdict.kept:
                return verdict.provider
            refused = self._refused.setdefault(phase, Counter())
            refused[f"{verdict.provider}: {verdict.reason}"] += 1
        return None

    def _pay(self, one: Selected, provider: str, phases: list[Phase], subject: Subject) -> None:
        plugin = self._services.plugins[provider]
        assigner = Assigner(one.key, subject.media.sha256, subject)
        try:
            planned = assigner.plan(provider, plugin, phases)
            if any(used.paid for request in planned for used in request.usage):
                planned = self._with_units(assigner, one).plan(provider, plugin, phases)
        except ProviderError:
            return  # a run would ask the next one
        asked = (request for request in planned if request.unit is None)
        for usage in (used for request in asked for used in request.usage if used.paid):
            self._bill(provider, usage)

    def _with_units(self, assigner: Assigner, one: Selected) -> Assigner:
        """The same, where what was bought already is known."""
        units = self._services.of(one.key.project).units.of_video(one.key.video)
        return replace(
            assigner,
            units=[unit for unit in units if not unit.state.may_be_reopened],
            has_pages=partial(are_stored, self._services.outputs.project(one.key.project)),
            forced_by=_NO_RUN if one.force else "",
        )

    def _bill(self, provider: str, usage: Usage) -> None:
        meters = self._paid.setdefault(provider, {})
        meter = usage.counted
        meters[meter] = meters.get(meter, Fraction(0)) + usage.quantity
