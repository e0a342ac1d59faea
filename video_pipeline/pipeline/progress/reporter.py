"""Report the state of a phase, as an event in the catalogue and to `VideoRun.notify`."""

from datetime import timedelta

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.base import Progress

# Progress is reported in steps of this size.
STEP_PERCENT = 10
# Shorter work would be over before anybody has read of it.
QUIET = timedelta(seconds=1)


class Reporter:
    """Reports the phases of one video in one run."""

    def __init__(self, run: VideoRun) -> None:
        self._run = run

    def tell(
        self,
        phase: Phase,
        state: PhaseState,
        *,
        percent: int | None = None,
        provider: str | None = None,
        message: str = "",
        unit: str | None = None,
    ) -> None:
        """Record an event and notify."""
        self._run.catalog.events.record(
            self._run.key.video,
            phase,
            state,
            self._run.clock(),
            percent=percent,
            provider=provider,
            message=message,
            unit=unit,
            run_id=self._run.run_id,
        )
        self._run.notify(phase, state, percent, message)

    def ended(self, outcome: Outcome) -> Outcome:
        """Record how a phase ended, and return the outcome."""
        self.tell(
            outcome.phase,
            outcome.state,
            percent=100 if outcome.state.good else None,
            provider=outcome.provider,
            message=outcome.message,
            unit=outcome.unit,
        )
        return outcome

    def progress(self, phase: Phase, provider: str | None) -> Progress:
        """Return a callback that reports every tenth, of work that lasts longer than a second."""
        reported, began = 0, self._run.clock()

        def progress(fraction: float) -> None:
            nonlocal reported
            percent = min(99, int(fraction * 100)) // STEP_PERCENT * STEP_PERCENT
            if percent > reported and self._run.clock() - began >= QUIET:
                reported = percent
                self.tell(phase, PhaseState.RUNNING, percent=percent, provider=provider)

        return progress
