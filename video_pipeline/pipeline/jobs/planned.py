"""A planned work unit: its request, and what a run needs to make it."""

from dataclasses import dataclass

from video_pipeline.domain.phases import Phase, phase_of
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.work import WorkRequest, WorkUnit
from video_pipeline.plugins.base import Plugin


@dataclass(frozen=True, slots=True)
class Planned:
    """A request to one provider, and which of its results are used here."""

    provider: str
    plugin: Plugin
    request: WorkRequest
    usage: tuple[Usage, ...]
    kinds: tuple[str, ...] = ()
    """The marker kinds used: some of the request's, or none if other units supply them all."""
    unit: WorkUnit | None = None
    """The existing unit, if any: under way, or settled with all its pages."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Return the phases that use its result."""
        if not self.request.kinds:
            return (Phase.TRANSCRIPT,)
        return tuple(dict.fromkeys(map(phase_of, self.kinds)))
