"""The outcome of one phase of one video in one run."""

from collections import defaultdict
from collections.abc import Collection
from typing import Self

from video_pipeline.domain.errors import (
    FailureCategory,
    PipelineError,
    ProviderError,
    SourceGone,
)
from video_pipeline.domain.phases import Phase, downstream
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.values import Frozen
from video_pipeline.plugins.ranking import Verdict


class Outcome(Frozen):
    """How a phase ended in this run. `result` is set if the state is good."""

    phase: Phase
    state: PhaseState
    result: PhaseResult | None = None
    provider: str | None = None
    message: str = ""
    """Why it failed, is parked or waits, with the remedy."""
    unit: str | None = None
    """The work unit, or the first awaited one; None if several units made the result."""
    job: str | None = None
    """The provider's id of the parked job."""
    awaits: tuple[str, ...] = ()
    """All work units a parked phase waits for."""
    considered: tuple[Verdict, ...] = ()
    category: FailureCategory | None = None
    """Why its last provider failed; None if the error was not a provider's."""
    passes: bool = False
    """Whether it failed because of the infrastructure: see PipelineError.passes."""
    reused: bool = False
    """Whether an earlier run had already made the result."""

    def published(self, result: PhaseResult) -> Self:
        """Return the outcome with a newly published result."""
        origin = result.provenance
        made_by = {"provider": origin.provider, "unit": origin.unit} if origin else {}
        return self.model_copy(update={"result": result, "reused": False, **made_by})


def category_of(error: PipelineError) -> FailureCategory | None:
    """Return why a provider failed; None if the error is not a provider's."""
    return error.category if isinstance(error, ProviderError) else None


def failed(phase: Phase, error: PipelineError, provider: str | None = None) -> Outcome:
    """Return the outcome of a phase that an error ended. It is cancelled if the video is gone."""
    state = PhaseState.CANCELLED if isinstance(error, SourceGone) else PhaseState.FAILED
    message = str(error)
    return Outcome(
        phase=phase, state=state, provider=provider, message=message, passes=error.passes
    )


def waiting_for(phase: Phase, ended: Collection[Outcome]) -> Outcome | None:
    """Return the outcome of a phase that cannot start after these; None if it can.

    Phases with one reason are named together, as a broken decode fails all that it feeds. Nothing
    waits for what was cancelled.
    """
    stopped = defaultdict[str, list[Phase]](list)
    for one in ended:
        stops = not one.state.good and one.state is not PhaseState.CANCELLED
        if stops and phase in downstream(frozenset({one.phase})):
            stopped[f"which {one.state.told}: {one.message}"].append(one.phase)
    if not stopped:
        return None
    reasons = "; ".join(
        f"{', '.join(phases)}, {why.rstrip('.')}" for why, phases in stopped.items()
    )
    return Outcome(phase=phase, state=PhaseState.WAITING, message=f"waits for {reasons}")
