"""The ground truth of a sample video: its transitions and its speech."""

from pathlib import Path
from typing import Literal

from video_pipeline.domain.time import FrameRate, TimeRange
from video_pipeline.domain.values import Frozen


class Transition(Frozen):
    """Frames [first, after) at or within which a new shot begins; one frame for a cut."""

    kind: Literal["cut", "dissolve", "fade"]
    first: int
    after: int


class Spoken(Frozen):
    """A sentence, and when it is spoken."""

    text: str
    range: TimeRange


class Truth(Frozen):
    """The ground truth of one video."""

    frame_rate: FrameRate
    frames: int
    transitions: tuple[Transition, ...]
    flashes: tuple[tuple[int, int], ...] = ()  # frames [first, after) that interrupt a shot
    speech: tuple[Spoken, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(spoken.text for spoken in self.speech)


def truth_of(video: Path) -> Truth:
    """Read the ground truth beside a drawn video, in `<name>.truth.json`."""
    return Truth.model_validate_json(video.with_suffix(".truth.json").read_bytes())
