"""The failure limit: a phase that keeps failing with retryable errors becomes dead.

Failed runs are counted for one source version and one choice of providers; a result, or a change
of either, starts at zero. Not counted: failures that need a person, which cost nothing to repeat,
and failures of our own environment (PipelineError.passes). An optional phase is skipped instead.
"""

from collections.abc import Collection

from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.staleness import VideoStanding
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.selection.choice import ProjectProviders
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.video_run import VideoRun


class FailureLimit:
    """Counts the failures of one video's phases."""

    def __init__(self, run: VideoRun, providers: ProjectProviders, dead_after: int) -> None:
        """A phase is dead after so many runs in which it failed."""
        self._run, self._providers, self._dead_after = run, providers, dead_after
        self._results = run.catalog.results

    def dead(self, phase: Phase) -> Outcome | None:
        """Return the outcome of a dead phase, or None if the phase may run."""
        video = self._run.key.video
        counted = counting_key(self._providers, phase, self._run.content)
        failed = self._results.failures(video, phase, counted)
        if failed < self._dead_after:
            return None
        last = self._results.statuses(video).get(phase)
        if last is not None and last.state is PhaseState.DEAD:
            return Outcome(
                phase=phase, state=last.state, provider=last.provider, message=last.message
            )
        return self._give_up(Outcome(phase=phase, state=PhaseState.DEAD), failed)

    def failed(self, outcome: Outcome) -> Outcome:
        """Count a retryable failure. Return the outcome, dead if the limit is reached."""
        run, phase = self._run, outcome.phase
        counted = counting_key(self._providers, phase, run.content)
        failed = self._results.count_failure(run.key.video, phase, counted, run.run_id)
        return outcome if failed < self._dead_after else self._give_up(outcome, failed)

    def _give_up(self, outcome: Outcome, failed: int) -> Outcome:
        message = (
            f"{outcome.message} Given up after {failed} failed runs: "
            f"`video-pipeline revive {self._run.key} {outcome.phase}` allows new attempts."
        )
        return outcome.model_copy(update={"state": PhaseState.DEAD, "message": message.strip()})


def counting_key(providers: ProjectProviders, phase: Phase, content: str) -> str:
    """Return the text that failures are counted for: source version and provider choices."""
    choices = [providers.choice(name, phase) or name for name in providers.order(phase)]
    return " ".join([content, *choices])


def is_dead(providers: ProjectProviders, standing: VideoStanding, phase: Phase) -> bool:
    """Return whether a phase is dead and its source and choice have not changed since."""
    if standing.states.get(phase) is not PhaseState.DEAD:
        return False
    counted = standing.failed_against.get(phase)
    if counted is None:
        return True
    content = standing.media.sha256 if standing.media else counted.partition(" ")[0]
    return counted == counting_key(providers, phase, content)


def revive(run: VideoRun, phases: Collection[Phase] = tuple(Phase)) -> list[Phase]:
    """Make dead phases runnable again, and return them. Raises InputError if none is dead."""
    results, report, video = run.catalog.results, Reporter(run), run.key.video
    statuses = results.statuses(video)
    dead = [p for p in phases if p in statuses and statuses[p].state is PhaseState.DEAD]
    for phase in dead:
        results.forget_failures(video, phase)
        report.tell(phase, PhaseState.WAITING, message="revived; it waits for a run")
    if not dead:
        raise InputError(
            "no phase of this video is dead",
            where=str(run.key),
            remedy="Run `video-pipeline errors` to list dead phases.",
        )
    return dead


def revive_all(services: Services, project: str, phases: Collection[Phase] = tuple(Phase)) -> int:
    """Make the dead phases of a whole project runnable again, and return their number."""
    found = list(services.of(project).standings.in_state(PhaseState.DEAD))
    dead = [(video, status.phase) for video, status in found if status.phase in phases]
    for video, phase in dead:
        revive(VideoRun.of(services, VideoKey(project=project, video=video)), [phase])
    return len(dead)
