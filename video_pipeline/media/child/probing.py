"""The child's task `probe`: the container's claims, checked against its packets and frames."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from video_pipeline.media.child.decoding import Damage, frames_of, read
from video_pipeline.media.child.opening import Input, first_audio, first_video
from video_pipeline.media.child.stream_ends import Ends, stream_ends
from video_pipeline.media.protocol import MediaFault, Outlet
from video_pipeline.media.shape import sane_aspect, shown

_HIGHEST_RATE = 1000
_FALLBACK = Fraction(25)
# The latest timestamps of a sample, which may lack frames that are stored after it.
_REORDERED = 20
_LEAST_DRIFT = Fraction(1, 100)
_SAMPLE = 300  # packets from which the frame rate is determined
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
    """The facts to send."""

    def __init__(
        self, source: Input, container: InputContainer, ends: Ends, warnings: list[str]
    ) -> None:
        self._source, self._container, self._ends = source, container, ends
        self._warnings = warnings
        self._zero: Fraction | None = None
        self._last = Fraction(0)
        self.told: dict[str, Any] = {}

    def read(self, video: VideoStream | None, audio: AudioStream | None) -> None:
        """Read both streams. Video comes first: time zero is its first frame."""
        video_facts = self._video(video) if video else None
        if video is None:
            self._warnings.append("it has no video")
        audio_facts = self._audio(audio) if audio else None
        self._compare()
        self.told = {
            "container": _container_name(self._container),
            "duration": str(self._last),
            "video": video_facts,
            "audio": audio_facts,
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
        """Return the seconds from the start to the last packet's end, or as the stream claims."""
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
    """Return one short name of the container."""
    name = container.format.name
    if name.startswith("mov,"):
        return _BRANDS.get(container.metadata.get("major_brand", "").strip(), "mp4")
    return name.split(",")[0]


def frame_rate(
    stream: VideoStream, pts: Sequence[int], warnings: list[str]
) -> tuple[Fraction, bool]:
    """Return the frame rate, and whether it varies, from the first packets' timestamps."""
    average = stream.average_rate
    claims = [rate for rate in (average, stream.guessed_rate, stream.base_rate) if _sane(rate)]
    rates: list[Fraction] = [rate for rate in claims if rate is not None]
    if not rates:
        warnings.append(f"it claims no frame rate; {_FALLBACK} a second is assumed")
        return _FALLBACK, True
    moments = sorted(pts)
    if len(moments) > 2 * _REORDERED:
        moments = moments[:-_REORDERED]
    for rate in rates:
        if keeps(rate, moments, stream.time_base or Fraction(1)):
            return rate, _drifts(rate, average, stream.frames)
    return rates[0], True


def _sane(rate: Fraction | None) -> bool:
    return rate is not None and 0 < rate <= _HIGHEST_RATE


def keeps(rate: Fraction, moments: Sequence[int], time_base: Fraction) -> bool:
    """Return whether ascending timestamps fit this rate, rounded to the time base."""
    return all(
        abs((moment - moments[0]) * time_base - number / rate) <= time_base
        for number, moment in enumerate(moments)
    )


def _drifts(rate: Fraction, average: Fraction | None, frames: int) -> bool:
    """Return whether the stream's average contradicts the rate of its beginning."""
    if not average or not frames:
        return False
    return abs(average / rate - 1) > max(_LEAST_DRIFT, Fraction(2, frames))
