"""JPEG thumbnails of keyframes, made in the child from the one decode."""

from fractions import Fraction

from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from video_pipeline.media.child.scaling import Scaler
from video_pipeline.media.protocol import Outlet
from video_pipeline.media.shape import Orientation

_QUALITY = 4  # quantiser of the encoder: 2 is best, 31 worst


class ThumbnailOutlet:
    """Sends the first frame, then keyframes at least `every` seconds apart, at most `most`."""

    def __init__(
        self,
        size: tuple[int, int],
        oriented: Orientation,
        every: Fraction,
        most: int,
        outlet: Outlet,
    ) -> None:
        self._size, self._every, self._left, self._outlet = size, every, most, outlet
        # JPEG allows only this matrix and range.
        self._scaler = Scaler(
            size, "yuvj420p", oriented, out_range="full", out_color_matrix="bt601"
        )
        self._next: Fraction | None = None

    def take(self, frame: VideoFrame, moment: Fraction) -> None:
        """Send the frame shown at this moment, in seconds, if it is due."""
        if not self._left or not (self._next is None or (frame.key_frame and moment >= self._next)):
            return
        self._left -= 1
        self._next = moment + self._every
        jpeg = self._encoded(self._scaler.scaled(frame))
        self._outlet.send("thumbnail", [memoryview(jpeg)], at=str(moment))

    def _encoded(self, frame: VideoFrame) -> bytes:
        encoder = CodecContext.create("mjpeg", "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height = self._size
        encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 1000)
        encoder.thread_count = 1
        encoder.qmin = encoder.qmax = _QUALITY
        frame.pts = None
        return b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)]))
