"""From phases and the providers chosen for them to the requests to be made. No request is made.

Phases that the same provider serves are planned together, as one paid job may serve several. A
unit of this video that is already under way and covers a phase is joined, not doubled.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.markers import phase_of
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.work import WorkRequest, WorkUnit, choice_hash
from video_pipeline.plugins.base import AnalysisRequest, Plugin, Refusal, UnitPlan


@dataclass(frozen=True, slots=True)
class Planned:
    """A request to one provider, covering one or more phases."""

    provider: str
    plugin: Plugin
    request: WorkRequest
    usage: tuple[Usage, ...]

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that its result serves."""
        return self.request.phases


def analysis_request(
    plugin: Plugin, media: MediaInfo, phases: Iterable[Phase], language: str | None
) -> AnalysisRequest:
    """What is asked of a plugin for some phases: all its kinds that belong to them."""
    wanted = frozenset(phases)
    if wanted == frozenset({Phase.TRANSCRIPT}):
        return AnalysisRequest(media=media, language=language)
    found = tuple(k for k in plugin.capabilities().kinds if phase_of(k) in wanted)
    served = {phase_of(k) for k in found}
    return AnalysisRequest(media=media, kinds=(*found, *sorted(wanted - served)))


def choice_of(plugin: Plugin, phase: Phase, language: str | None) -> str:
    """The hash that a result made by this plugin, so configured and asked, carries."""
    kinds = tuple(k for k in plugin.capabilities().kinds if phase_of(k) is phase)
    options: dict[str, object] = {**plugin.options_for(kinds)}
    if phase is Phase.TRANSCRIPT:
        options["asked language"] = language
    return choice_hash(f"{plugin.name} {plugin.version}", plugin.model, options)


def options_of(plugin: Plugin) -> dict[str, object]:
    """The options as plain values; secrets are masked."""
    return plugin.options.model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class Assigner:
    """Plans for one video."""

    key: VideoKey
    content: str
    media: MediaInfo
    language: str | None
    under_way: Sequence[WorkUnit]
    """Units of this video that have not ended."""

    def plan(self, provider: str, plugin: Plugin, phases: Sequence[Phase]) -> list[Planned]:
        """The requests by which a provider serves phases that it can serve one by one."""
        joined = [u for u in self.under_way if self.covers(u, provider, plugin, phases)]
        covered = {p for unit in joined for p in unit.request.phases}
        rest = [p for p in phases if p not in covered]
        planned = [Planned(provider, plugin, u.request, u.planned) for u in joined]
        return planned + self._fresh(provider, plugin, rest)

    def _fresh(self, provider: str, plugin: Plugin, phases: Sequence[Phase]) -> list[Planned]:
        if not phases:
            return []
        plan = plugin.plan(analysis_request(plugin, self.media, phases, self.language))
        if not isinstance(plan, Refusal):
            return [self._planned(provider, plugin, unit) for unit in plan]
        return [p for one in phases for p in self._fresh(provider, plugin, [one])]

    def _planned(self, provider: str, plugin: Plugin, unit: UnitPlan) -> Planned:
        phases = tuple(dict.fromkeys(phase_of(k) for k in unit.kinds)) or (Phase.TRANSCRIPT,)
        request = WorkRequest(
            key=self.key,
            content=self.content,
            provider=provider,
            plugin=plugin.name,
            account=plugin.account,
            region=plugin.region,
            operation=unit.operation,
            phases=phases,
            kinds=unit.kinds,
            parameters={**unit.parameters, "options": plugin.options_for(unit.kinds)},
            model=unit.model,
        )
        return Planned(provider, plugin, request, unit.usage)

    def covers(
        self, unit: WorkUnit, provider: str, plugin: Plugin, phases: Collection[Phase]
    ) -> bool:
        """Whether a unit is what this provider would be asked for one of these phases."""
        request = unit.request
        return (
            request.provider == provider
            and request.content == self.content
            and request.plugin == plugin.name
            and self._same_language(request)
            and request.parameters.get("options") == plugin.options_for(request.kinds)
            and bool(set(request.phases) & set(phases))
        )

    def _same_language(self, request: WorkRequest) -> bool:
        asked = request.parameters.get("language")
        return Phase.TRANSCRIPT not in request.phases or asked == self.language
