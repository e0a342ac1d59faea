"""From phases and the providers chosen for them to the requests to be made. No request is made.

Phases that the same provider serves are planned together, as one paid job may serve several, and
several may serve one phase. Units of this video that are under way or were settled for the same
are not doubled: only the kinds that none of them has are asked for anew.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase, phase_of, phases_of
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline.pipeline.jobs.moved_account import is_elsewhere
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.plugins.base import AnalysisRequest, Plugin, Refusal, UnitPlan


@dataclass(frozen=True, slots=True)
class Subject:
    """What plugins are asked about, as far as their planning sees it."""

    media: MediaInfo
    language: str | None
    uri: str
    """See AnalysisRequest."""


def analysis_request(plugin: Plugin, subject: Subject, phases: Iterable[Phase]) -> AnalysisRequest:
    """What is asked of a plugin for some phases: all its kinds that belong to them."""
    wanted = frozenset(phases)
    if wanted == frozenset({Phase.TRANSCRIPT}):
        return AnalysisRequest(media=subject.media, language=subject.language, uri=subject.uri)
    found = tuple(k for k in plugin.capabilities().kinds if phase_of(k) in wanted)
    served = {phase_of(k) for k in found}
    return _kinds_request(subject, (*found, *sorted(wanted - served)))


def _kinds_request(subject: Subject, kinds: tuple[str, ...]) -> AnalysisRequest:
    return AnalysisRequest(media=subject.media, kinds=kinds, uri=subject.uri)


@dataclass(frozen=True, slots=True)
class Assigner:
    """Plans for one video."""

    key: VideoKey
    content: str
    subject: Subject
    units: Sequence[WorkUnit] = ()
    """Units of this video, oldest first: those under way that are asked for, and settled ones."""
    has_pages: Callable[[WorkUnit], bool] = bool
    """Whether all raw pages of a settled unit are still there."""
    forced_by: str = ""
    """The run that makes everything again; what it has not settled itself is not used."""

    def plan(self, provider: str, plugin: Plugin, phases: Sequence[Phase]) -> list[Planned]:
        """The requests by which a provider serves phases that it can serve one by one.

        Raises ProviderError where it refuses one of them by now, or breaks while planning.
        """
        seen = [phase for phase in phases if phase is not Phase.TRANSCRIPT]
        spoken = self._speech(provider, plugin) if Phase.TRANSCRIPT in phases else []
        return (self._markers(provider, plugin, seen) if seen else []) + spoken

    def _speech(self, provider: str, plugin: Plugin) -> list[Planned]:
        whole = self._whole(provider, plugin, [Phase.TRANSCRIPT])
        for unit in self._known(provider, plugin, [Phase.TRANSCRIPT], whole):
            if not unit.state.ended or self.has_pages(unit):
                return [_planned_by(unit, plugin)]
        return whole

    def _markers(self, provider: str, plugin: Plugin, phases: Sequence[Phase]) -> list[Planned]:
        whole = self._whole(provider, plugin, phases)
        left, used = [kind for one in whole for kind in one.kinds], list[Planned]()
        for unit in self._known(provider, plugin, phases, whole):
            kinds = tuple(kind for kind in unit.request.kinds if kind in left)
            if not unit.state.ended or (kinds and self.has_pages(unit)):
                used.append(_planned_by(unit, plugin, kinds))
                left = [kind for kind in left if kind not in kinds]
        if not used:
            return whole
        if not left:
            return used
        rest = self._ask(provider, plugin, _kinds_request(self.subject, tuple(left)))
        if isinstance(rest, Refusal):  # it serves the kinds together, but these not alone
            return [*whole, *(replace(one, kinds=()) for one in used if one not in whole)]
        return used + rest

    def _known(
        self, provider: str, plugin: Plugin, phases: Sequence[Phase], whole: Sequence[Planned]
    ) -> list[WorkUnit]:
        """The units that have something of what is asked for: those under way, all of which are to
        be consumed, then settled ones, the latest first. A settled one must have been asked by
        an operation and of a model that would be asked today."""
        found = [unit for unit in self.units if self.covers(unit, provider, plugin, phases)]
        today = {(one.request.operation, one.request.model) for one in whole}
        settled = [
            unit
            for unit in reversed(found)
            if unit.state is UnitState.SETTLED
            and (unit.request.operation, unit.request.model) in today
            and self.forced_by in ("", unit.forced_by)
        ]
        return [unit for unit in found if not unit.state.ended] + settled

    def _whole(self, provider: str, plugin: Plugin, phases: Sequence[Phase]) -> list[Planned]:
        """What is asked for where nothing is there; phases that are refused together, alone."""
        found = self._ask(provider, plugin, analysis_request(plugin, self.subject, phases))
        if not isinstance(found, Refusal):
            return found
        if len(phases) == 1:
            raise _refused(provider, found.reason)
        return [one for phase in phases for one in self._whole(provider, plugin, [phase])]

    def _ask(
        self, provider: str, plugin: Plugin, request: AnalysisRequest
    ) -> list[Planned] | Refusal:
        try:
            found = plugin.plan(request)
        except Exception as error:
            raise _broken(provider, f"{type(error).__name__}: {error}") from error
        if isinstance(found, Refusal):
            return found
        if not request.kinds and len(found) != 1:
            raise _broken(provider, f"{len(found)} requests for one transcript")
        if missing := set(request.kinds).difference(*(unit.kinds for unit in found)):
            raise _broken(provider, f"no request for {', '.join(sorted(missing))}")
        return [self._planned(provider, plugin, unit, request.kinds) for unit in found]

    def _planned(
        self, provider: str, plugin: Plugin, unit: UnitPlan, asked: Collection[str]
    ) -> Planned:
        phases = phases_of(unit.kinds)
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
        kinds = tuple(kind for kind in unit.kinds if kind in asked)
        return Planned(provider, plugin, request, unit.usage, kinds)

    def covers(
        self, unit: WorkUnit, provider: str, plugin: Plugin, phases: Collection[Phase]
    ) -> bool:
        """Whether a unit is what this provider would be asked for one of these phases, and can be
        gone on with: one under way elsewhere cannot, but what was settled anywhere is good."""
        gone_on_with = unit.state.ended or not is_elsewhere(unit, plugin)
        return gone_on_with and self._asks_for(unit, provider, plugin, phases)

    def is_open_elsewhere(
        self, unit: WorkUnit, provider: str, plugin: Plugin, phases: Collection[Phase]
    ) -> bool:
        """Whether a unit is what would be asked for, but was asked for in another region or
        account, and may still deliver there: to ask here would pay again."""
        asked = unit.state in (UnitState.SUBMITTING, UnitState.RUNNING, UnitState.IN_DOUBT)
        open_elsewhere = asked and not unit.unwanted and is_elsewhere(unit, plugin)
        return open_elsewhere and self._asks_for(unit, provider, plugin, phases)

    def _asks_for(
        self, unit: WorkUnit, provider: str, plugin: Plugin, phases: Collection[Phase]
    ) -> bool:
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
        return Phase.TRANSCRIPT not in request.phases or asked == self.subject.language


def _planned_by(unit: WorkUnit, plugin: Plugin, kinds: tuple[str, ...] = ()) -> Planned:
    return Planned(unit.request.provider, plugin, unit.request, unit.planned, kinds, unit)


def _refused(provider: str, reason: str) -> ProviderError:
    return ProviderError(
        reason,
        category=FailureCategory.UNSUPPORTED,
        where=provider,
        remedy="Name another provider for it in pipeline.yaml.",
        accepted=False,
    )


def _broken(provider: str, what: str) -> ProviderError:
    return ProviderError(
        f"the plugin broke while planning: {what}",
        category=FailureCategory.PROVIDER_FAILED,
        where=provider,
        remedy="Report it to the plugin's author, or choose another provider.",
        accepted=False,
    )
