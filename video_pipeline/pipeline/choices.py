"""Which providers a project chose for which phase, as settings read it from pipeline.yaml."""

from pydantic import Field

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.values import Frozen


class PhaseChoice(Frozen):
    """The providers of one phase in the order in which they are asked; none: not configured."""

    providers: tuple[str, ...] = ()
    optional: bool = False
    """Whether the timeline is made without it when it fails."""
    language: str | None = None
    """For transcripts: ISO 639-1, None to detect it."""


class Choices(Frozen):
    """The choices of all projects: the common ones, and what single projects choose otherwise."""

    phases: dict[Phase, PhaseChoice] = Field(default_factory=dict[Phase, PhaseChoice])
    projects: dict[str, dict[Phase, PhaseChoice]] = Field(
        default_factory=dict[str, dict[Phase, PhaseChoice]]
    )

    def of(self, project: str, phase: Phase) -> PhaseChoice:
        """What a project chose for a phase."""
        own = self.projects.get(project, {})
        return own.get(phase) or self.phases.get(phase) or PhaseChoice()
