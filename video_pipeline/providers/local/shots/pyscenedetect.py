"""Local shot detection: PySceneDetect for hard cuts, our own detectors for fades and dissolves.

PySceneDetect 0.7 mixes time bases within one shot, so it gets frame numbers only; times come from
the frames' pts. Each suspected cut is verified against the frames around it.
"""

from array import array
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, Literal

from pydantic import Field

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.usage import Meter, MeterSpec
from video_pipeline.domain.work import WorkRequest
from video_pipeline.plugins.base import PluginOptions, Streams
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import FrameBatch, Frames
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.providers.local.shots import cuts, dissolves, fades
from video_pipeline.providers.local.shots.pages import (
    Boundary,
    FoundBy,
    Page,
    page_of,
    shots_of,
    written,
)
from video_pipeline.providers.local.shots.pictures import Recent, picture_of


class PySceneDetectOptions(PluginOptions):
    """How shots are sought. Thresholds are PySceneDetect's own, in its own scales."""

    detector: Literal["adaptive", "content"] = "adaptive"
    threshold: float | None = Field(default=None, gt=0)
    """PySceneDetect's default where it is left out: 3.0 for adaptive, 27.0 for content."""
    min_content: float = Field(default=15.0, ge=0)
    """The least change that adaptive takes for a cut."""
    min_shot_frames: int = Field(default=3, ge=1)
    """No shot is shorter, but for the last one."""
    gradual: bool = True
    """Find dissolves and fades too, each as one boundary at its middle."""
    width: int = Field(default=256, ge=64, le=1024)
    """Width in pixels of the frames that are compared."""


class PySceneDetectPlugin(BaseTemporalPlugin, Streams):
    """Shots by PySceneDetect, with dissolves and fades, and without flashes."""

    Options = PySceneDetectOptions
    name = "pyscenedetect"
    libraries = ("scenedetect", "cv2")
    install = "pip install 'video-pipeline[shots]'"
    options: PySceneDetectOptions

    def capabilities(self) -> Capabilities:
        return Capabilities(
            fed=Frames(width=self.options.width, pixel_format="bgr24"),
            replay="free",
            meter=MeterSpec(meter=Meter.VIDEO_SECONDS, paid=False),
            kinds=(Kind.SHOT,),
            precision="frame",
            cancellable=True,
        )

    def start(self, request: WorkRequest, media: MediaInfo) -> "ShotStream":
        return ShotStream(self.options)

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Iterator[Marker]:
        return shots_of(page_of(pages, Page, request), media)


class ShotStream:
    """One pass over the frames, which also keeps every pts."""

    def __init__(self, options: PySceneDetectOptions) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._options = options
        self._recent = Recent(max(dissolves.MEMORY, fades.MEMORY, cuts.MEMORY))
        self._cuts = cuts.HardCuts(_detector(options), self._recent)
        self._dissolves, self._fades = (
            dissolves.Dissolves(self._recent),
            fades.Fades(self._recent),
        )
        self._pts = array("q")
        self._time_base = Fraction(1)

    def feed(self, batch: FrameBatch) -> None:
        """Take the next frames, all of them, as BGR."""
        self._time_base = batch.time_base
        self._pts.extend(int(pts) for pts in batch.pts)
        for pixels in batch.pixels:
            self._recent.add(picture_of(pixels))
            self._cuts.look(pixels)
            if self._options.gradual:
                self._dissolves.look()
                self._fades.look()

    def finish(self, end: Fraction) -> Iterable[bytes]:
        """Return the one page: exact boundaries, and how each was found."""
        self._cuts.finish()
        self._dissolves.finish()
        page = Page(frames=len(self._pts), end=end, boundaries=tuple(self._boundaries()))
        return [written(page)]

    def _boundaries(self) -> Iterator[Boundary]:
        """Yield boundaries in order, at least a minimal shot apart; hard cuts go first."""
        least = self._options.min_shot_frames
        kept: dict[int, FoundBy] = {}
        found: dict[FoundBy, list[int]] = {
            "cut": [cut.frame for cut in self._cuts.found],
            "fade": self._fades.found,
            "dissolve": self._dissolves.found,
        }
        for how, frames in found.items():
            for frame in frames:
                if frame >= least and all(abs(frame - other) >= least for other in kept):
                    kept[frame] = how
        for frame in sorted(kept):
            start = self._pts[frame] * self._time_base
            yield Boundary(frame=frame, start=start, found_by=kept[frame])


def _detector(options: PySceneDetectOptions) -> Any:
    """Return PySceneDetect's detector. We apply the minimal length ourselves, after the checks."""
    from scenedetect.detectors import AdaptiveDetector, ContentDetector

    if options.detector == "content":
        return ContentDetector(options.threshold or 27.0, min_scene_len=0)
    return AdaptiveDetector(
        options.threshold or 3.0, min_scene_len=0, min_content_val=options.min_content
    )
