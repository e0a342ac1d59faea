"""What is true of a sample video: where its shots begin, what is said. Drawing lies elsewhere."""

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
    """A sentence, and when its sound lies in the video."""

    text: str
    range: TimeRange


class Truth(Frozen):
    """All that is known for certain of one video."""

    frame_rate: FrameRate
    frames: int
    transitions: tuple[Transition, ...]
    flashes: tuple[tuple[int, int], ...] = ()
    """Frames [first, after) that interrupt a shot."""
    speech: tuple[Spoken, ...] = ()

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(spoken.text for spoken in self.speech)


def truth_of(video: Path) -> Truth:
    """The truth in the file beside a drawn video, `<name>.truth.json`."""
    return Truth.model_validate_json(video.with_suffix(".truth.json").read_bytes())
