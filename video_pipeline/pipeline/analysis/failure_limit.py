"""When a phase is asked no more: it failed in many runs for reasons that a retry could mend.

The runs are counted against the source and the choice of the day: another version, provider or
option begins anew, and so does a result. What a person must mend fails again at once, and costs
nothing to try; it never dies. What failed by what we run on (PipelineError.passes) is not the
phase's fault, and is not counted. Nor does a phase die that is optional: it is skipped.
"""

from collections.abc import Collection, Sequence

from video_pipeline.domain.errors import (
    InDoubt,
    InputError,
    PipelineError,
    ProviderError,
    Unheard,
)
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.staleness import VideoStanding
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.selection.choice import choice_of
from video_pipeline.pipeline.services import Services


def is_mendable(error: PipelineError) -> bool:
    """Whether the same request may succeed in a later run although nobody mends anything."""
    if isinstance(error, InDoubt):
        return isinstance(error, Unheard)  # else a person must look whether it was taken
    return isinstance(error, ProviderError) and error.category.retryable


class GivingUp:
    """Counts the failures of one video's phases."""

    def __init__(self, services: Services, key: VideoKey, content: str, run_id: str) -> None:
        self._services, self._key = services, key
        self._content, self._run_id = content, run_id
        self._results = services.of(key.project).results

    def dead(self, phase: Phase, order: Sequence[str]) -> Outcome | None:
        """The outcome of a phase that is not to be asked; None where it may be."""
        failed = self._results.failures(self._key.video, phase, self._against(phase, order))
        if failed < self._services.policy.dead_after:
            return None
        last = self._results.statuses(self._key.video).get(phase)
        if last is not None and last.state is PhaseState.DEAD:
            return Outcome(
                phase=phase, state=last.state, provider=last.provider, message=last.message
            )
        return self._given_up(Outcome(phase=phase, state=PhaseState.DEAD), failed)

    def failed(self, outcome: Outcome, order: Sequence[str]) -> Outcome:
        """Count a failure that a retry could mend: the outcome, dead if it was the last."""
        against = self._against(outcome.phase, order)
        failed = self._results.count_failure(self._key.video, outcome.phase, against, self._run_id)
        if failed < self._services.policy.dead_after:
            return outcome
        return self._given_up(outcome, failed)

    def _given_up(self, outcome: Outcome, failed: int) -> Outcome:
        told = (
            f"{outcome.message} Given up after {failed} runs: "
            f"`video-pipeline revive {self._key} {outcome.phase}` lets it be asked again."
        )
        return outcome.model_copy(update={"state": PhaseState.DEAD, "message": told.strip()})

    def _against(self, phase: Phase, order: Sequence[str]) -> str:
        return against(self._services, self._key.project, phase, order, self._content)


def against(
    services: Services, project: str, phase: Phase, order: Sequence[str], content: str
) -> str:
    """What failures are counted against: the source, and how these providers would be asked."""
    plugins = services.plugins
    language = services.choices.of(project, Phase.TRANSCRIPT).language
    choices = [choice_of(plugins[n], phase, language) if n in plugins else n for n in order]
    return " ".join([content, *choices])


def is_dead(services: Services, project: str, standing: VideoStanding, phase: Phase) -> bool:
    """Whether a phase was given up, and would be today: its source and choice are the same."""
    if standing.states.get(phase) is not PhaseState.DEAD:
        return False
    counted = standing.failed_against.get(phase)
    if counted is None:
        return True
    content = standing.media.sha256 if standing.media else counted.partition(" ")[0]
    order = services.choices.of(project, phase).providers
    return counted == against(services, project, phase, order, content)


def revive(
    services: Services, key: VideoKey, phases: Collection[Phase] = tuple(Phase)
) -> list[Phase]:
    """Let dead phases be asked again; those that there were.

    Raises InputError where there is none.
    """
    results, report = services.of(key.project).results, Reporter(services, key, "")
    statuses = results.statuses(key.video)
    dead = [p for p in phases if p in statuses and statuses[p].state is PhaseState.DEAD]
    for phase in dead:
        results.forget_failures(key.video, phase)
        report.tell(phase, PhaseState.WAITING, message="revived; it waits for a run")
    if not dead:
        raise InputError(
            "no phase of this video is dead",
            where=str(key),
            remedy="See `video-pipeline errors` for those that are.",
        )
    return dead


def revive_all(services: Services, project: str, phases: Collection[Phase] = tuple(Phase)) -> int:
    """Let the dead phases of all videos of a project be asked again; how many there were."""
    found = list(services.of(project).standings.in_state(PhaseState.DEAD))
    dead = [(video, status.phase) for video, status in found if status.phase in phases]
    for video, phase in dead:
        revive(services, VideoKey(project=project, video=video), [phase])
    return len(dead)
