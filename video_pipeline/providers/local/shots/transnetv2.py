"""Local shot detection: hard cuts by PySceneDetect's adaptive detector, the rest by TransNetV2.

The network looks only where the picture changes gradually or a cut hardly stands out. Thresholds
are in frames at 20 to 45 a second: of a faster video every n-th frame is looked at, and a cut is
then placed by the largest change among the frames between.
"""

from array import array
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from pydantic import Field

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.usage import Meter, MeterSpec
from video_pipeline.domain.values import Frozen, Rational
from video_pipeline.domain.work import WorkRequest
from video_pipeline.plugins.base import PluginOptions, Streams
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import FrameBatch, Frames
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.providers.local.models import Models, known
from video_pipeline.providers.local.shots import cuts
from video_pipeline.providers.local.shots.pages import (
    Boundary,
    FoundBy,
    Page,
    page_of,
    shots_of,
    written,
)
from video_pipeline.providers.local.shots.pictures import Picture, Recent, distance, picture_of
from video_pipeline.providers.local.shots.transitions import gradual, judged, lines
from video_pipeline.providers.local.shots.transitions.boundaries import apart, settled
from video_pipeline.providers.local.shots.transitions.extent import Transition
from video_pipeline.providers.local.shots.transitions.film import Film
from video_pipeline.providers.local.shots.transitions.network import Network
from video_pipeline.providers.local.shots.transitions.plain import PlainColours

_MODEL = "transnetv2"
# Width of the frames from which all else is scaled. PySceneDetect compares frames of this width.
_WIDTH = 256
# Frames a second above which only every n-th one is looked at.
_USUAL_RATE = 30


class TransNetV2Options(PluginOptions):
    """How shots are sought."""

    min_shot_frames: int = Field(default=3, ge=1)
    """No shot is shorter, but for the last one."""
    threads: int = Field(default=1, ge=1, exclude=True)
    """Of the network; says nothing about the result."""


class _Transition(Frozen):
    """A gradual change from one shot to the next."""

    start: Rational
    end: Rational
    label: FoundBy


class TransitionPage(Page):
    """What a pass found, with the gradual changes."""

    transitions: tuple[_Transition, ...]


class TransNetV2Plugin(BaseTemporalPlugin, Streams):
    """Shots and gradual transitions, by a network that looks where it has to."""

    Options = TransNetV2Options
    name = "transnetv2"
    libraries = ("scenedetect", "cv2", "onnxruntime")
    install = "pip install 'video-pipeline[shots]'"
    options: TransNetV2Options

    @property
    def model(self) -> str:
        """The network and its revision."""
        return f"{_MODEL}@{known()[_MODEL].revision}"

    def check(self) -> None:
        Models().find(_MODEL)

    def capabilities(self) -> Capabilities:
        return Capabilities(
            fed=Frames(width=_WIDTH, pixel_format="bgr24"),
            replay="free",
            meter=MeterSpec(meter=Meter.VIDEO_SECONDS, paid=False),
            kinds=(Kind.SHOT, Kind.TRANSITION),
            precision="frame",
            cancellable=True,
        )

    def start(self, request: WorkRequest, media: MediaInfo) -> "TransitionStream":
        network = Network(Models().find(_MODEL) / f"{_MODEL}.onnx", self.options.threads)
        rate = float(media.video.frame_rate.per_second) if media.video else 25.0
        return TransitionStream(network, rate, self.options.min_shot_frames)

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Iterator[Marker]:
        page = page_of(pages, TransitionPage, request)
        found = [*shots_of(page, media), *_transitions_of(page, media)]
        return iter(sorted(found, key=lambda marker: marker.range.start))


def _transitions_of(page: TransitionPage, media: MediaInfo) -> Iterator[Marker]:
    last = min(page.end, media.duration)
    for one in page.transitions:
        if one.start < min(one.end, last):
            span = TimeRange(start=one.start, end=min(one.end, last))
            yield Marker(kind=Kind.TRANSITION, range=span, label=one.label)


class TransitionStream:
    """One pass over the frames, which also keeps every pts, and of a fast video every change."""

    def __init__(self, network: Network, rate: float, min_shot_frames: int) -> None:
        import cv2
        from scenedetect.detectors import AdaptiveDetector

        cv2.setNumThreads(1)
        self._least = min_shot_frames
        self._every = max(1, round(rate / _USUAL_RATE))
        looked_at = rate / self._every
        self._film = Film(gradual.MEMORY * gradual.step_at(looked_at))
        self._recent = Recent(max(cuts.MEMORY, lines.MEMORY))
        detector = AdaptiveDetector(judged.LEAST_RATIO, min_scene_len=0)
        self._suspects = cuts.HardCuts(detector, self._recent)
        self._cuts = judged.JudgedCuts(self._film, network)
        self._gradual = gradual.Gradual(self._film, network, looked_at)
        self._plain = PlainColours(self._recent)
        self._pts, self._changes = array("q"), array("f")
        self._before: Picture | None = None
        self._time_base = Fraction(1)

    def feed(self, batch: FrameBatch) -> None:
        """Take the next frames, all of them, as BGR."""
        self._time_base = batch.time_base
        for pts, pixels in zip(batch.pts, batch.pixels, strict=True):
            picture = picture_of(pixels)
            before = picture if self._before is None else self._before
            self._before = picture
            if len(self._pts) % self._every == 0:
                self._look(pixels, picture)
            self._pts.append(int(pts))
            if self._every > 1:
                self._changes.append(distance(before, picture))

    def finish(self, end: Fraction) -> Iterable[bytes]:
        """Return the one page: exact boundaries and transitions, and how each was found."""
        self._suspects.finish()
        self._take_cuts()
        for part in (self._cuts, self._gradual, self._plain):
            part.finish()
        found, transitions = settled(
            self._cuts.found, self._gradual.found, self._plain.found, self._recent.after
        )
        exact: dict[int, FoundBy] = {self._exact(at, how): how for at, how in found.items()}
        page = TransitionPage(
            frames=len(self._pts),
            end=end,
            boundaries=tuple(
                Boundary(frame=frame, start=self._time(frame), found_by=how)
                for frame, how in apart(exact, self._least)
            ),
            transitions=tuple(self._written(one, end) for one in transitions),
        )
        return [written(page)]

    def _look(self, pixels: Any, picture: Picture) -> None:
        self._recent.add(picture)
        self._film.add(pixels)
        self._suspects.look(pixels)
        self._take_cuts()
        self._cuts.look()
        self._gradual.look(lines.straight_from(self._recent))
        self._plain.look()

    def _take_cuts(self) -> None:
        for cut in self._suspects.found:
            self._cuts.take(cut)
        self._suspects.found.clear()

    def _exact(self, looked_at: int, found_by: FoundBy) -> int:
        """Return the number of a frame that was looked at; of a cut, of the first one after it."""
        number = looked_at * self._every
        if found_by != "cut" or self._every == 1:
            return number
        between = range(max(0, number - self._every + 1), number + 1)
        return max(between, key=self._changes.__getitem__)

    def _time(self, frame: int) -> Fraction:
        return self._pts[frame] * self._time_base

    def _written(self, one: Transition, end: Fraction) -> _Transition:
        first = max(0, (one.first - 1) * self._every + 1)
        after = one.last * self._every + 1
        return _Transition(
            start=self._time(first),
            end=self._time(after) if after < len(self._pts) else end,
            label=one.label,
        )
