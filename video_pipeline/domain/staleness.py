"""What each phase's result was made from, and whether those inputs are still current.

Which plugins a project chooses belongs to the pipeline.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import MADE_FROM, Phase
from video_pipeline.domain.progress import PhaseState


@dataclass(frozen=True, slots=True)
class Made:
    """The current result of a phase in short."""

    state: PhaseState
    provider: str
    model: str
    choice: str
    content: str
    fingerprint: str
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])  # phase: fingerprint


@dataclass(frozen=True, slots=True)
class VideoStanding:
    """One video: its media, and the state and current result of each phase."""

    video: str
    media: MediaInfo | None  # None until the current version of the source was probed
    states: Mapping[Phase, PhaseState]
    made: Mapping[Phase, Made]
    archived: bool = False
    object_key: str = ""  # of its source, in the ingest store
    # For phases that failed retryably: the source and choices against which that was counted.
    failed_against: Mapping[Phase, str] = field(default_factory=dict[Phase, str])


@dataclass(frozen=True, slots=True)
class Current:
    """The choice hashes of a phase's providers today.

    The results of `untold` providers, whose choice is unknown here, count as current.
    """

    choices: tuple[str, ...]
    untold: tuple[str, ...] = ()

    @property
    def configured(self) -> bool:
        """Return whether any provider serves the phase."""
        return bool(self.choices or self.untold)


def outdated(phase: Phase, made: Mapping[Phase, Made]) -> str:
    """Return why a result was not made from its current inputs; empty if it was.

    The current source is that of the phase source_video: a new version counts once it was read.
    """
    mine, source = made.get(phase), made.get(Phase.SOURCE_VIDEO)
    if mine is None or source is None:
        return ""
    if mine.content != source.content:
        return "made from an earlier version of the source"
    used = dict.fromkeys([*MADE_FROM.get(phase, ()), *map(Phase, mine.inputs)])
    changed = [p for p in used if mine.inputs.get(p.value, "") != _fingerprint(made, p, source)]
    return f"made before {', '.join(changed)}" if changed else ""


def _fingerprint(made: Mapping[Phase, Made], phase: Phase, source: Made) -> str:
    found = made.get(phase)
    return found.fingerprint if found and found.content == source.content else ""
