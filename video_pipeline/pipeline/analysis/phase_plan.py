"""The queue of one run's phases: the providers left to try for each, and the outcomes so far.

A phase leaves the queue with an outcome. If its provider fails and the failure allows a fallback,
it stays with the next provider of its order.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial

from video_pipeline.domain.errors import CatalogUnavailable, PipelineError, SourceGone
from video_pipeline.domain.media import DecodedVideo, MediaInfo
from video_pipeline.domain.phases import PHASES, SERVED, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.unit_policy import falls_back, may_pass
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.analysis import audio
from video_pipeline.pipeline.analysis.failure_limit import FailureLimit
from video_pipeline.pipeline.analysis.planner import Assigner, Subject, analysis_request
from video_pipeline.pipeline.jobs.close import close
from video_pipeline.pipeline.jobs.moved_account import elsewhere
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.pipeline.jobs.raw_pages import are_stored
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome, category_of, failed
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.selection.choice import ProjectProviders
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.ranking import Verdict, rank

NO_VIDEO = "the source has no video stream: the result is empty"
NOT_CONFIGURED = "not configured: pipeline.yaml names no provider for it"


class PhaseQueue:
    """The phases of one video in one run."""

    def __init__(
        self, run: VideoRun, subject: Subject, providers: ProjectProviders, dead_after: int
    ) -> None:
        """A phase is dead after `dead_after` failed runs."""
        self._run, self._subject, self._providers = run, subject, providers
        self._orders: dict[Phase, list[str]] = {}
        self._own: list[Phase] = []
        self._verdicts: dict[Phase, tuple[Verdict, ...]] = {}
        self._asked: frozenset[Phase] = frozenset()
        self.report = Reporter(run)
        self.outcomes: dict[Phase, Outcome] = {}
        # Phases that some provider may deliver in a later run.
        self._retryable = set[Phase]()
        self._limit = FailureLimit(run, providers, dead_after)
        self.units: list[WorkUnit] = []
        """Open and settled units of this video that serve the requested phases."""

    def assigner(self) -> Assigner:
        return Assigner(
            key=self._run.key,
            content=self._run.content,
            subject=self._subject,
            units=self.units,
            has_pages=partial(are_stored, self._run.outputs),
            forced_by=self._run.forced_by,
        )

    @property
    def media(self) -> MediaInfo:
        """Return the facts of the media, at least up to the last decoded frame."""
        return self._subject.media.lasting(self._subject.decoded)

    def needs(self, unit: WorkUnit) -> bool:
        """Return whether a unit serves one of its phases at a provider that is tried now."""
        assigner, plugins = self.assigner(), self._providers.plugins
        return any(
            serves(unit, name, plugins[name], [phase])
            for phase in unit.request.phases
            for name in self._providers.order(phase)
            if name in plugins
            for serves in (assigner.covers, assigner.is_open_elsewhere)
        )

    @property
    def pending(self) -> bool:
        return bool(self._orders or self._own)

    def fill(self, phases: Collection[Phase]) -> None:
        """Add phases to the queue. Those that need no work end at once."""
        self._asked = frozenset(phases)
        for phase in (p for p in PHASES if p in self._asked):
            ended = self._without_work(phase)
            if ended is not None:
                self._end(ended)
            elif phase not in SERVED:
                self._own.append(phase)
                self.report.tell(phase, PhaseState.RUNNING, provider=own_results.PROVIDER)
            else:
                self._rank(phase)

    def asks(self, phase: Phase) -> bool:
        """Return whether a phase is requested in this run."""
        return phase in self._asked

    def take_own(self) -> list[Phase]:
        """Remove and return the pipeline's own phases."""
        taken, self._own = self._own, []
        return taken

    def next_providers(self) -> list[tuple[str, list[Phase]]]:
        """Return the next provider of each phase, with the phases grouped by provider."""
        found: dict[str, list[Phase]] = {}
        for phase, order in list(self._orders.items()):
            found.setdefault(order.pop(0), []).append(phase)
        return list(found.items())

    def started(self, planned: Planned, unit: str) -> None:
        """Report that a provider is working on its phases."""
        for phase in planned.phases:
            self.report.tell(phase, PhaseState.RUNNING, provider=planned.provider, unit=unit)

    def parked(self, phase: Phase, units: Sequence[WorkUnit]) -> None:
        """End a phase as parked: its jobs still run, or its requests wait for a slot."""
        provider = units[0].request.provider
        reasons = map(reason_of, units)
        self._end(
            Outcome(
                phase=phase,
                state=PhaseState.PARKED,
                provider=provider,
                message="; ".join(dict.fromkeys(reasons)),
                unit=units[0].id,
                job=units[0].job,
                awaits=tuple(unit.id for unit in units),
            )
        )

    def ended(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self._end(outcome)

    def failed(self, phases: Collection[Phase], error: PipelineError, provider: str) -> None:
        """Record a failure: each phase falls back to its next provider, or ends.

        Raises the error if MongoDB does not answer: nothing can be recorded, and no phase failed.
        """
        if isinstance(error, CatalogUnavailable):
            raise error
        if isinstance(error, SourceGone):
            self._run.postpone()
            self.ended(failed(phase, error, provider) for phase in phases)
            return
        for phase in phases:
            reason = Verdict(provider=provider, kept=False, reason=f"failed: {error}")
            self._verdicts[phase] = (*self._verdicts.get(phase, ()), reason)
            if may_pass(error):
                self._retryable.add(phase)
            if not (self._orders.get(phase) and falls_back(error)):
                counts = phase in self._retryable and not error.passes
                ended = self._failure(
                    phase, str(error), provider, counts=counts, passes=error.passes
                )
                self._end(ended.model_copy(update={"category": category_of(error)}))

    def decoded(self, found: DecodedVideo) -> None:
        """Take what the decode found."""
        self._subject = replace(self._subject, decoded=found)

    @property
    def decoded_media(self) -> MediaInfo:
        """Return the facts of the media, as long as its decoded frames if those are known."""
        media, decoded = self._subject.media, self._subject.decoded
        return media if decoded is None else media.model_copy(update={"duration": decoded.end})

    def _end(self, outcome: Outcome) -> None:
        self._orders.pop(outcome.phase, None)
        outcome = outcome.model_copy(update={"considered": self._verdicts.get(outcome.phase, ())})
        if outcome.phase in self._asked:
            self.outcomes[outcome.phase] = outcome
        self.report.ended(outcome)

    def _without_work(self, phase: Phase) -> Outcome | None:
        """Return the outcome of a phase that is not configured, has no input or has a result."""
        if phase in SERVED and not self._providers.order(phase):
            return self._empty(phase, PhaseState.NOT_CONFIGURED, NOT_CONFIGURED)
        if phase is Phase.AUDIO and self.media.audio is None:
            return audio.publish(self._run, None)
        needs_audio = PHASES[phase].stream == "audio"
        if needs_audio and self.media.audio is None:
            return self._empty(phase, PhaseState.DONE, audio.NO_AUDIO)
        if not needs_audio and self.media.video is None:
            return self._empty(phase, PhaseState.DONE, NO_VIDEO)
        if self._run.forced_by:
            return None
        return self._reused(phase) or self._limit.dead(phase)

    def _empty(self, phase: Phase, state: PhaseState, why: str) -> Outcome:
        now = self._run.clock()
        origin = own_results.provenance(self._run.content, now, now)
        outcome = own_results.publish(self._run, phase, origin, state=state, warnings=[why])
        return outcome.model_copy(update={"message": why})

    def _reused(self, phase: Phase) -> Outcome | None:
        """Return the outcome of a phase whose stored result is current, or None."""
        result = own_results.current(self._run, phase)
        if result is None or result.state is not PhaseState.DONE or result.provenance is None:
            return None
        origin = result.provenance
        choices = [self._providers.choice(n, phase) for n in self._providers.order(phase)]
        if phase in SERVED and origin.choice not in choices:
            return None
        still_open = [u for u in self.units if not u.state.final and not u.unwanted]
        if any(phase in unit.request.phases for unit in still_open):
            return None  # a run died before it settled the unit, or the unit was forced
        return Outcome(
            phase=phase,
            state=PhaseState.DONE,
            result=result,
            provider=origin.provider,
            unit=origin.unit,
            reused=True,
        )

    def _rank(self, phase: Phase) -> None:
        plugins = self._providers.plugins
        for unit in self.units:
            provider = unit.request.provider
            if self._is_open_elsewhere(unit, phase):
                message = str(elsewhere(unit, plugins[provider]))
                return self._end(self._failure(phase, message, provider))
        verdicts = rank(
            self._providers.order(phase),
            plugins,
            lambda plugin: analysis_request(plugin, self._subject, [phase]),
        )
        self._verdicts[phase] = verdicts
        kept = [v.provider for v in verdicts if v.kept]
        if kept:
            self._orders[phase] = sorted(kept, key=lambda name: not self._is_at_work(name, phase))
        else:
            reasons = "; ".join(f"{v.provider} {v.reason}" for v in verdicts)
            remedy = "Name another provider for it in pipeline.yaml."
            self._end(self._failure(phase, f"no provider can serve it: {reasons}. {remedy}", None))

    def _is_open_elsewhere(self, unit: WorkUnit, phase: Phase) -> bool:
        name, plugins = unit.request.provider, self._providers.plugins
        return (
            name in plugins
            and name in self._providers.order(phase)
            and self.assigner().is_open_elsewhere(unit, name, plugins[name], [phase])
        )

    def _is_at_work(self, provider: str, phase: Phase) -> bool:
        """Return whether a provider has an open unit for a phase.

        It goes before the others: one that failed earlier would be asked again, and paid too.
        """
        return any(
            unit.request.provider == provider
            and phase in unit.request.phases
            and not unit.state.final
            and self._run.forced_by in ("", unit.forced_by)
            for unit in self.units
        )

    def _failure(
        self,
        phase: Phase,
        message: str,
        provider: str | None,
        *,
        counts: bool = False,
        passes: bool = False,
    ) -> Outcome:
        if self._providers.is_optional(phase) and not passes:
            empty = self._empty(phase, PhaseState.SKIPPED, message)
            return empty.model_copy(update={"provider": provider})
        state = PhaseState.FAILED
        failure = Outcome(
            phase=phase, state=state, provider=provider, message=message, passes=passes
        )
        return self._limit.failed(failure) if counts else failure


def join_or_close(
    services: Services, run: VideoRun, queue: PhaseQueue, phases: Collection[Phase]
) -> list[WorkUnit]:
    """Return the open and settled units of a video that serve what is requested now.

    Other open units of these phases are superseded: a new source version arrived, or another
    provider, option or language was chosen. They are closed as far as their provider allows: their
    usage is recorded, and no run waits for them. A unit in doubt stays in doubt.
    """
    units = run.catalog.units.of_video(run.key.video)
    usable = [unit for unit in units if not unit.state.may_be_reopened]
    needed = [unit for unit in usable if queue.needs(unit)]
    for unit in usable:
        superseded = not unit.state.final and unit not in needed
        if superseded and set(unit.request.phases) & set(phases):
            close(services, run.key, unit.id, "superseded by another version or choice")
    return needed
