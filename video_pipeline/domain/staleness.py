"""Where a video stands as a whole: what each phase's result was made from, and whether that still
is what lies there. What projects choose belongs to the pipeline.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import MADE_FROM, Phase
from video_pipeline.domain.progress import PhaseState


@dataclass(frozen=True, slots=True)
class Made:
    """What is to be known of a phase's current result without reading it."""

    state: PhaseState
    provider: str
    model: str
    choice: str
    content: str
    fingerprint: str
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Phase to fingerprint."""


@dataclass(frozen=True, slots=True)
class VideoStanding:
    """One video: what was probed, and of each phase its state and its current result."""

    video: str
    media: MediaInfo | None
    """None until the current version of the source was probed."""
    states: Mapping[Phase, PhaseState]
    made: Mapping[Phase, Made]
    archived: bool = False
    object_key: str = ""
    """Where its source lies in the ingest store."""
    failed_against: Mapping[Phase, str] = field(default_factory=dict[Phase, str])
    """Of phases that failed for reasons that a retry could mend: the source and the choices that
    this was counted against, as the pipeline words them."""


@dataclass(frozen=True, slots=True)
class Current:
    """What a project chooses for a phase today, as results carry it."""

    choices: tuple[str, ...]
    """The choice hashes of its providers."""
    untold: tuple[str, ...] = ()
    """Providers whose choice cannot be told here: their results are taken for current."""

    @property
    def configured(self) -> bool:
        """Whether anybody serves the phase."""
        return bool(self.choices or self.untold)


def outdated(phase: Phase, made: Mapping[Phase, Made]) -> str:
    """Why a result was not made from what lies there now; empty where it was.

    What the source is, the phase source_video tells: until a new version was read, nobody knows
    whether it is another.
    """
    mine, source = made.get(phase), made.get(Phase.SOURCE_VIDEO)
    if mine is None or source is None:
        return ""
    if mine.content != source.content:
        return "made from an earlier version of the source"
    used = dict.fromkeys([*MADE_FROM.get(phase, ()), *map(Phase, mine.inputs)])
    changed = [p for p in used if _used(mine, p) != _there(made, p, source)]
    return f"made before {', '.join(changed)}" if changed else ""


def _used(made: Made, phase: Phase) -> str:
    return made.inputs.get(phase.value, "")


def _there(made: Mapping[Phase, Made], phase: Phase, source: Made) -> str:
    found = made.get(phase)
    return found.fingerprint if found and found.content == source.content else ""
