"""Scaling and rotation of frames in the child, and their batches for one feed."""

from typing import cast

from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

from video_pipeline.media.protocol import Outlet
from video_pipeline.media.shape import Orientation

_TURNS = {
    0: (),
    90: (("transpose", "clock"),),
    # hflip comes last: vflip alone would leave the rows in reverse order in memory.
    180: (("vflip", ""), ("hflip", "")),
    270: (("transpose", "cclock"),),
}
_MOST_FRAMES = 32


class Scaler:
    """Converts frames to one size, orientation and pixel format, also if the source changes."""

    def __init__(
        self, size: tuple[int, int], pixel_format: str, oriented: Orientation, **scale: str
    ) -> None:
        turned = oriented.rotation in (90, 270)
        self._width, self._height = reversed(size) if turned else size
        self._pixel_format, self._oriented, self._scale = pixel_format, oriented, scale
        self._source: tuple[object, ...] = ()
        self._graph = Graph()

    def scaled(self, frame: VideoFrame) -> VideoFrame:
        """Return a converted copy of a frame."""
        source = (
            frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range
        )  # fmt: skip
        if source != self._source:
            self._source, self._graph = source, self._built(frame)
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _built(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = 1
        nodes: list[FilterContext] = [
            graph.add(
                "buffer",
                video_size=f"{frame.width}x{frame.height}",
                pix_fmt=frame.format.name,
                time_base="1/1000",
                pixel_aspect="1/1",
                colorspace=str(int(frame.colorspace)),
                range=str(int(frame.color_range)),
            ),
            graph.add(
                "scale",
                width=str(self._width),
                height=str(self._height),
                flags="fast_bilinear",
                **self._scale,
            ),
            graph.add("format", pix_fmts=self._pixel_format),
            *(graph.add(name, args) for name, args in _TURNS[self._oriented.rotation]),
            *((graph.add("hflip"),) if self._oriented.mirrored else ()),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        return graph


class FeedOutlet:
    """Sends every n-th frame to one feed in batches, without copying pixels."""

    def __init__(self, feed: int, every: int, scaler: Scaler, outlet: Outlet) -> None:
        self._feed, self._every, self._scaler, self._outlet = feed, every, scaler, outlet
        self._first = self._stride = 0
        self._rows: list[memoryview] = []
        self._pts: list[int] = []

    def take(self, frame: VideoFrame, number: int, moment: int) -> None:
        """Add the frame with this number, shown at this tick, if it is an n-th one."""
        if number % self._every:
            return
        plane = self._scaler.scaled(frame).planes[0]
        if not self._rows:
            self._first = number
        self._stride = plane.line_size
        self._rows.append(memoryview(cast(bytes, plane)))
        self._pts.append(moment)
        size = len(self._rows) * plane.buffer_size
        if len(self._rows) >= _MOST_FRAMES or size >= self._outlet.batch_bytes:
            self.flush()

    def flush(self) -> None:
        """Send the batch."""
        if not self._rows:
            return
        self._outlet.send(
            "frames",
            self._rows,
            feed=self._feed,
            first=self._first,
            stride=self._stride,
            pts=self._pts,
        )
        self._rows, self._pts = [], []
