"""Plans requests from phases and their chosen providers. Sends none.

Phases of one provider are planned together: one paid job may serve several phases, and a phase may
need several jobs. Open and settled units of the video are reused; only missing kinds are requested.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import DecodedVideo, MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase, phase_of, phases_of
from video_pipeline.domain.work import Stage, UnitState, WorkRequest, WorkUnit
from video_pipeline.pipeline.jobs.moved_account import is_elsewhere
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.plugins.base import AnalysisRequest, Plugin, Refusal, UnitPlan


@dataclass(frozen=True, slots=True)
class Subject:
    """The video, as the planning of plugins sees it."""

    media: MediaInfo
    """As the container declares."""
    language: str | None
    uri: str
    """See AnalysisRequest."""
    decoded: DecodedVideo | None = None
    """None until its frames were decoded. Plans do not depend on it."""


def analysis_request(plugin: Plugin, subject: Subject, phases: Iterable[Phase]) -> AnalysisRequest:
    """Return the request for some phases: all kinds of the plugin that belong to them."""
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
    """Units of this video, oldest first: open ones that are needed, and settled ones."""
    has_pages: Callable[[WorkUnit], bool] = bool
    """Whether all raw pages of a settled unit are still stored."""
    forced_by: str = ""
    """The run that forces new requests; it reuses only units that it settled itself."""

    def plan(self, provider: str, plugin: Plugin, phases: Sequence[Phase]) -> list[Planned]:
        """Return the requests by which a provider serves phases that it can serve one by one.

        Raises ProviderError if it refuses one of them, or if its plugin raises while planning.
        """
        visual = [phase for phase in phases if phase is not Phase.TRANSCRIPT]
        speech = self._speech(provider, plugin) if Phase.TRANSCRIPT in phases else []
        return (self._markers(provider, plugin, visual) if visual else []) + speech

    def _speech(self, provider: str, plugin: Plugin) -> list[Planned]:
        whole = self._whole(provider, plugin, [Phase.TRANSCRIPT])
        for unit in self._known(provider, plugin, [Phase.TRANSCRIPT], whole):
            if not unit.state.final or self.has_pages(unit):
                return [_planned_by(unit, plugin)]
        return whole

    def _markers(self, provider: str, plugin: Plugin, phases: Sequence[Phase]) -> list[Planned]:
        whole = self._whole(provider, plugin, phases)
        left, used = [kind for one in whole for kind in one.kinds], list[Planned]()
        for unit in self._known(provider, plugin, phases, whole):
            kinds = tuple(kind for kind in unit.request.kinds if kind in left)
            if not unit.state.final or (kinds and self.has_pages(unit)):
                used.append(_planned_by(unit, plugin, kinds))
                left = [kind for kind in left if kind not in kinds]
        if not used:
            return whole
        if not left:
            return used
        rest = self._ask(provider, plugin, _kinds_request(self.subject, tuple(left)))
        if isinstance(rest, Refusal):  # it does not serve the missing kinds alone
            return [*whole, *(replace(one, kinds=()) for one in used if one not in whole)]
        return used + rest

    def _known(
        self, provider: str, plugin: Plugin, phases: Sequence[Phase], whole: Sequence[Planned]
    ) -> list[WorkUnit]:
        """Return the units that cover some of these phases: all open ones, then settled ones.

        Settled ones come latest first, and only with an operation and model in use today.
        """
        found = [unit for unit in self.units if self.covers(unit, provider, plugin, phases)]
        today = {(one.request.operation, one.request.model) for one in whole}
        settled = [
            unit
            for unit in reversed(found)
            if unit.state is UnitState.SETTLED
            and (unit.request.operation, unit.request.model) in today
            and self.forced_by in ("", unit.forced_by)
        ]
        return [unit for unit in found if not unit.state.final] + settled

    def _whole(self, provider: str, plugin: Plugin, phases: Sequence[Phase]) -> list[Planned]:
        """Return the requests as if no unit existed. Phases refused together are planned alone."""
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
        """Return whether a unit serves one of these phases at this provider and can be reused.

        An open unit of another region or account cannot; an ended one can.
        """
        reusable = unit.state.final or not is_elsewhere(unit, plugin)
        return reusable and self._matches(unit, provider, plugin, phases)

    def is_open_elsewhere(
        self, unit: WorkUnit, provider: str, plugin: Plugin, phases: Collection[Phase]
    ) -> bool:
        """Return whether a matching unit may still deliver in another region or account.

        A request in today's region or account would pay a second time.
        """
        submitted = unit.state.stage in (Stage.SENT, Stage.ACCEPTED, Stage.DOUBTED)
        open_elsewhere = submitted and not unit.unwanted and is_elsewhere(unit, plugin)
        return open_elsewhere and self._matches(unit, provider, plugin, phases)

    def _matches(
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
        f"the plugin failed while planning: {what}",
        category=FailureCategory.PROVIDER_FAILED,
        where=provider,
        remedy="Report it to the plugin's author, or choose another provider.",
        accepted=False,
    )
