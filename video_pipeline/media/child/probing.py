"""The child's task `probe`: what the container claims, checked against what is in it."""

from fractions import Fraction
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from video_pipeline.media.child.decoding import Damage, frames_of, read
from video_pipeline.media.child.opening import Input, first_audio, first_video
from video_pipeline.media.child.steadiness import frame_rate
from video_pipeline.media.child.stream_ends import Ends, stream_ends
from video_pipeline.media.protocol import MediaFault, Outlet
from video_pipeline.media.shape import sane_aspect, shown

_SAMPLE = 300
"""Packets looked at to tell the frame rate."""
_BRANDS = {"qt": "mov", "M4A": "m4a", "3gp4": "3gp", "3gp5": "3gp", "3gp6": "3gp"}
_OFF_SECONDS = 1


class _Beginning:
    """The first frame that can be decoded, and the timestamps around it."""

    def __init__(self, source: Input, container: InputContainer, stream: VideoStream) -> None:
        damage = Damage()
        self.pts: list[int] = []
        self.frame: VideoFrame | None = None
        for packet in read(source, container, (stream,), damage):
            if packet.pts is not None and not packet.is_discard:
                self.pts.append(packet.pts)
            if self.frame is None:
                self.frame = next(iter(frames_of(packet, damage)), None)
            elif len(self.pts) >= _SAMPLE:
                return


def probe(source: Input, outlet: Outlet) -> None:
    """Send container and streams as MediaInfo has them. Raises MediaFault."""
    container = source.open()
    video, audio = first_video(container.streams), first_audio(container.streams)
    warnings: list[str] = []
    if audio and not _decodable(audio):
        warnings.append("its audio is of a kind that cannot be decoded, and is left out")
        audio = None
    if video is None and audio is None:
        raise MediaFault("it has neither video nor audio", "Deliver a video.")
    ends = stream_ends(source, container, video, audio)
    if audio and ends.complete and ends.audio is None:
        warnings.append("its audio stream is empty, and is left out")
        audio = None
    facts = _Facts(source, container, ends, warnings)
    facts.read(video, audio)
    outlet.send("end", **facts.told)


def _decodable(audio: AudioStream) -> bool:
    return audio.codec_context is not None and audio.codec_context.sample_rate > 0


class _Facts:
    """Collects what is sent."""

    def __init__(
        self, source: Input, container: InputContainer, ends: Ends, warnings: list[str]
    ) -> None:
        self._source, self._container, self._ends = source, container, ends
        self._warnings = warnings
        self._zero: Fraction | None = None
        self._last = Fraction(0)
        self.told: dict[str, Any] = {}

    def read(self, video: VideoStream | None, audio: AudioStream | None) -> None:
        """Video first: time zero is its first frame."""
        pictures = self._video(video) if video else None
        if video is None:
            self._warnings.append("it has no video")
        sounds = self._audio(audio) if audio else None
        self._compare()
        self.told = {
            "container": _container_name(self._container),
            "duration": str(self._last),
            "video": pictures,
            "audio": sounds,
            "warnings": self._warnings,
        }

    def _video(self, stream: VideoStream) -> dict[str, Any]:
        if stream.codec_context is None or stream.time_base is None:
            raise MediaFault("no decoder knows its video", "Deliver it as H.264 in MP4.")
        self._source.prepare(stream)
        beginning = _Beginning(self._source, self._container, stream)
        frame = beginning.frame
        if frame is None:
            raise MediaFault("not one frame can be decoded", "Encode it again and deliver it anew.")
        self._source.check_size(frame.width, frame.height)
        rate, variable = frame_rate(stream, beginning.pts, self._warnings)
        start = (frame.pts if frame.pts is not None else frame.dts or 0) * stream.time_base
        self._zero = start
        duration = self._lasting(stream, start, self._ends.video) or 1 / rate
        width, height, rotation = self._shape(stream, frame)
        return {
            "codec": stream.codec_context.name,
            "width": width,
            "height": height,
            "frame_rate": {"per_second": str(rate)},
            "time_base": str(stream.time_base),
            "variable_rate": variable,
            "rotation": rotation,
            "start": str(start),
            "duration": str(duration),
            "frames": stream.frames or None,
        }

    def _shape(self, stream: VideoStream, frame: VideoFrame) -> tuple[int, int, int]:
        rotation = round(-frame.rotation / 90) * 90 % 360
        if frame.rotation % 90:
            self._warnings.append(f"it is turned by {-frame.rotation} degrees, shown as {rotation}")
        width, height = shown(
            frame.width, frame.height, sane_aspect(stream.sample_aspect_ratio), rotation
        )
        return width, height, rotation

    def _audio(self, stream: AudioStream) -> dict[str, Any]:
        base = stream.time_base or Fraction(1, stream.codec_context.sample_rate)
        start = (stream.start_time or 0) * base
        if self._zero is None:
            self._zero = start
        return {
            "codec": stream.codec_context.name,
            "sample_rate": stream.codec_context.sample_rate,
            "channels": stream.codec_context.layout.nb_channels,
            "start": str(start),
            "duration": str(self._lasting(stream, start, self._ends.audio)),
        }

    def _lasting(
        self, stream: VideoStream | AudioStream, start: Fraction, end: Fraction | None
    ) -> Fraction:
        """Seconds from the start to the last packet's end, or else as the stream claims."""
        if end is None:
            end = start + (stream.duration or 0) * (stream.time_base or 0)
        self._last = max(self._last, end - (self._zero or 0))
        return max(Fraction(0), end - start)

    def _compare(self) -> None:
        claimed = Fraction(self._container.duration or 0, 1_000_000)
        if claimed and abs(claimed - self._last) > max(_OFF_SECONDS, self._last / 20):
            self._warnings.append(
                f"the container claims {float(claimed):.1f} s,"
                f" but its packets end at {float(self._last):.1f} s"
            )


def _container_name(container: InputContainer) -> str:
    """One short name, where a demuxer answers to several."""
    name = container.format.name
    if name.startswith("mov,"):
        return _BRANDS.get(container.metadata.get("major_brand", "").strip(), "mp4")
    return name.split(",")[0]
