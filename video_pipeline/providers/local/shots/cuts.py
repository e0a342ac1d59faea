"""Hard cuts: suspected by PySceneDetect, and verified against the frames around each."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from video_pipeline.providers.local.shots import steps
from video_pipeline.providers.local.shots.pictures import Recent

# How many of the last frames must be kept.
MEMORY = 3 * steps.NEAR

# Frames to each side that PySceneDetect's adaptive detector compares a change with.
_AROUND = 2
_MOST_RATIO = 255.0


@dataclass(frozen=True, slots=True)
class Cut:
    """The first frame of a shot, and by how much its change exceeds those around it."""

    frame: int
    ratio: float


class HardCuts:
    """Takes every frame once, in order, after `recent` did; `found` holds the cuts."""

    def __init__(self, detector: Any, recent: Recent) -> None:
        self._detector, self._recent = detector, recent
        self._suspects: list[Cut] = []
        self._changes: deque[float] = deque(maxlen=2 * _AROUND + 1)
        self.found: list[Cut] = []

    def look(self, pixels: Any) -> None:
        """Take the newest frame into account, in BGR."""
        from scenedetect import FrameTimecode

        number = FrameTimecode(self._recent.after - 1, fps=1.0)
        suspected = self._detector.process_frame(number, pixels)
        self._changes.append(self._detector._frame_score)
        self._suspects += [Cut(one.frame_num, self._ratio()) for one in suspected]
        self._judge(self._recent.after - steps.NEAR)

    def finish(self) -> None:
        """Verify the last suspects with the frames that there are."""
        self._judge(self._recent.after)

    def _ratio(self) -> float:
        """Return the middle change by the mean of those around it, as the detector does."""
        changes = list(self._changes)
        if len(changes) < 2 * _AROUND + 1:
            return 0.0
        around = sum(changes[:_AROUND] + changes[_AROUND + 1 :]) / (2 * _AROUND)
        return min(_MOST_RATIO, changes[_AROUND] / around) if around else _MOST_RATIO

    def _judge(self, before: int) -> None:
        """Verify the suspects before this frame; later ones lack frames after them."""
        due = [cut for cut in self._suspects if cut.frame < before]
        self._suspects = self._suspects[len(due) :]
        self.found += [cut for cut in due if steps.is_step(self._recent, cut.frame)]
