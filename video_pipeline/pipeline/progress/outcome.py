"""What a use case answers for one phase of one video."""

from typing import Self

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.values import Frozen
from video_pipeline.plugins.ranking import Verdict


class Outcome(Frozen):
    """How a phase ended in this run. `result` is there where the state is good."""

    phase: Phase
    state: PhaseState
    result: PhaseResult | None = None
    provider: str | None = None
    message: str = ""
    """Why it failed, parked or waits, with the remedy."""
    unit: str | None = None
    """The work unit, or the first of those that are awaited; None where several made it."""
    job: str | None = None
    """The provider's name for its parked job."""
    awaits: tuple[str, ...] = ()
    """All work units that a parked phase waits for."""
    considered: tuple[Verdict, ...] = ()
    passes: bool = False
    """Whether it failed by what we run on: see PipelineError.passes."""
    reused: bool = False
    """Whether an earlier run had already made it."""

    def published(self, result: PhaseResult) -> Self:
        """The same with a result that was just published in the place of the one before."""
        origin = result.provenance
        told = {"provider": origin.provider, "unit": origin.unit} if origin else {}
        return self.model_copy(update={"result": result, "reused": False, **told})
