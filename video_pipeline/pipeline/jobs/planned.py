"""A planned work unit: its request, and what is needed to run it."""

from dataclasses import dataclass

from video_pipeline.domain.phases import Phase, phase_of
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.work import WorkRequest, WorkUnit
from video_pipeline.plugins.base import Plugin


@dataclass(frozen=True, slots=True)
class Planned:
    """A request to one provider, and what is taken from it: it may hold more."""

    provider: str
    plugin: Plugin
    request: WorkRequest
    usage: tuple[Usage, ...]
    kinds: tuple[str, ...] = ()
    """Of markers: a part of the request's, or none where others have them all."""
    unit: WorkUnit | None = None
    """The one that is there already: under way, or settled and with all its pages."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that its result serves here."""
        if not self.request.kinds:
            return (Phase.TRANSCRIPT,)
        return tuple(dict.fromkeys(map(phase_of, self.kinds)))
