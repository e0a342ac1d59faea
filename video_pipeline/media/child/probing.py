"""The child's task `probe`: the container's claims, checked against its packets and frames."""

from fractions import Fraction
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from video_pipeline.media.child.decoding import Damage, flush_of, frames_of, read
from video_pipeline.media.child.opening import Input
from video_pipeline.media.child.rates import Pace
from video_pipeline.media.child.stream_ends import Ends, stream_ends
from video_pipeline.media.child.streams import choose_audio, choose_video
from video_pipeline.media.protocol import MediaFault, Outlet
from video_pipeline.media.shape import Orientation, orientation, sane_aspect, shown

_HIGHEST_RATE = 1000
_FALLBACK = Fraction(25)
# The latest timestamps of a sample, which may lack frames that are stored after it.
_REORDERED = 20
_LEAST_DRIFT = Fraction(1, 100)
_SAMPLE = 300  # packets from which the frame rate is determined
# Interlaced frames to decode, and the packets a frame from which some packets are fields.
_FIELDS_SAMPLE = 30
_FIELDS_FROM = 1.25
_BRANDS = {"qt": "mov", "M4A": "m4a", "3gp4": "3gp", "3gp5": "3gp", "3gp6": "3gp"}
_OFF_SECONDS = 1
_NO_TIMECODE, _LONGEST_TAG = "00:00:00", 100


class _Beginning:
    """The first frame that can be decoded, and the timestamps of the first frames.

    Packets of interlaced video may be fields. Some more of its frames are decoded to know.
    """

    def __init__(self, source: Input, container: InputContainer, stream: VideoStream) -> None:
        self.frame: VideoFrame | None = None
        self._pts: list[int] = []
        self._shown: list[int] = []
        self._packets = self._frames = 0
        self._read(source, container, stream)

    def _read(self, source: Input, container: InputContainer, stream: VideoStream) -> None:
        damage, is_decoding = Damage(), True
        for packet in read(source, container, (stream,), damage):
            if packet.pts is not None and not packet.is_discard:
                self._pts.append(packet.pts)
            if is_decoding:
                self._decode(packet, damage)
                is_decoding = self._frames < (_FIELDS_SAMPLE if self._is_interlaced else 1)
                if not is_decoding and self._is_interlaced:
                    self._decode(flush_of(stream), damage)
            elif len(self._pts) >= _SAMPLE:
                return

    def _decode(self, packet: "Packet[Any]", damage: Damage) -> None:
        self._packets += bool(packet.size and not packet.is_discard)
        for frame in frames_of(packet, damage):
            self.frame = self.frame or frame
            self._frames += 1
            if frame.pts is not None:
                self._shown.append(frame.pts)

    @property
    def _is_interlaced(self) -> bool:
        return self.frame is not None and self.frame.interlaced_frame

    @property
    def _has_fields(self) -> bool:
        return self._is_interlaced and self._packets > self._frames * _FIELDS_FROM

    @property
    def moments(self) -> list[int]:
        """Return the ascending timestamps of the first frames."""
        if self._has_fields:
            return sorted(self._shown)
        found = sorted(self._pts)
        return found[:-_REORDERED] if len(found) > 2 * _REORDERED else found

    def frames_of(self, packets: int) -> int | None:
        """Return the frames of so many packets, None if only some packets are fields."""
        if not self._has_fields:
            return packets
        return (packets + 1) // 2 if self._packets >= 2 * self._frames - 1 else None


def probe(source: Input, outlet: Outlet) -> None:
    """Send container and streams as MediaInfo has them. Raises MediaFault."""
    container = source.open()
    videos, audios = choose_video(source, container), choose_audio(container)
    video, audio = videos.stream, audios.stream
    warnings = videos.warnings + audios.warnings
    if video is None and audio is None:
        what = ": ".join(["it has neither video nor audio", *warnings])
        raise MediaFault(what, "Deliver a video of more than one frame.")
    ends = stream_ends(source, container, video, audio)
    if audio and ends.complete and ends.audio is None:
        warnings.append("its audio stream is empty, and is left out")
        audio = None
    facts = _Facts(source, container, ends, warnings)
    facts.read(video, audio)
    outlet.send("end", **facts.told)


class _Facts:
    """The facts to send."""

    def __init__(
        self, source: Input, container: InputContainer, ends: Ends, warnings: list[str]
    ) -> None:
        self._source, self._container, self._ends = source, container, ends
        self._warnings = warnings
        self._zero: Fraction | None = None
        self._last = Fraction(0)
        self._tags: dict[str, str] = {}
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
            "timecode": self._tags.get("timecode"),
            "reel": self._tags.get("reel_name"),
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
        rate, variable = self._rate(stream, beginning)
        start = (frame.pts if frame.pts is not None else frame.dts or 0) * stream.time_base
        self._zero = start
        packets = self._ends.video
        end = packets and packets.shown_until(rate, varies=variable)
        duration = self._lasting(stream, start, end) or 1 / rate
        frames, drifts = self._frames(stream, beginning, rate, duration)
        self._tags = _tags(self._container, stream, frame)
        oriented = _orientation(frame)
        if oriented.warning:
            self._warnings.append(oriented.warning)
        width, height = shown(
            frame.width,
            frame.height,
            sane_aspect(stream.sample_aspect_ratio),
            oriented.rotation,
        )
        return {
            "codec": stream.codec.canonical_name,
            "width": width,
            "height": height,
            "frame_rate": {"per_second": str(rate)},
            "time_base": str(stream.time_base),
            "variable_rate": variable or drifts,
            "rotation": oriented.rotation,
            "mirrored": oriented.mirrored,
            "start": str(start),
            "duration": str(duration),
            "frames": frames,
        }

    def _rate(self, stream: VideoStream, beginning: _Beginning) -> tuple[Fraction, bool]:
        """Return the frame rate of the beginning, and whether it varies."""
        claims, pace = _claimed_rates(stream), Pace(stream.time_base or Fraction(1))
        for moment in beginning.moments:
            pace.add(moment)
        rate = pace.rate(claims)
        if rate and _sane(rate) and (claims or pace.average):
            return rate, False
        if not claims:
            self._warnings.append(f"it claims no frame rate; {_FALLBACK} a second is assumed")
        return (claims or [_FALLBACK])[0], True

    def _frames(
        self, stream: VideoStream, beginning: _Beginning, rate: Fraction, duration: Fraction
    ) -> tuple[int | None, bool]:
        """Return how many frames are shown, and whether they contradict the rate.

        Packets that were not all read are not counted. A claim then counts if it fits the rate of
        the beginning or the average. An index also knows which packets an edit list leaves out.
        """
        if self._ends.complete and self._ends.video:
            frames = beginning.frames_of(self._ends.video.count)
            return frames, frames is not None and not _agree(frames, rate * duration)
        shown = sum(not entry.is_discard for entry in stream.index_entries)
        claims = [beginning.frames_of(packets) for packets in (shown, stream.frames)]
        for average in (rate, stream.average_rate or rate):
            for frames in claims:
                if frames and _agree(frames, average * duration):
                    return frames, average != rate
        return None, False

    def _audio(self, stream: AudioStream) -> dict[str, Any]:
        base = stream.time_base or Fraction(1, stream.codec_context.sample_rate)
        start, packets = (stream.start_time or 0) * base, self._ends.audio
        if self._zero is None:
            self._zero = start
        return {
            "codec": stream.codec.canonical_name,
            "sample_rate": stream.codec_context.sample_rate,
            "channels": stream.codec_context.layout.nb_channels,
            "start": str(start),
            "duration": str(self._lasting(stream, start, packets and packets.end)),
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


def _orientation(frame: VideoFrame) -> Orientation:
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    return Orientation() if matrix is None else orientation(bytes(matrix))


def _tags(container: InputContainer, stream: VideoStream, frame: VideoFrame) -> dict[str, str]:
    """Return timecode and reel: of the container, else of a stream, else of the first frame.

    An encoder that knows no timecode counts from zero. One of a frame then means nothing.
    """
    coded = {key: text for key, text in frame.metadata.items() if not text.startswith(_NO_TIMECODE)}
    found: dict[str, str] = {}
    others = (one.metadata for one in container.streams if one.type == "data")
    for metadata in (container.metadata, stream.metadata, *others, coded):
        for key, text in metadata.items():
            if key.lower() in ("timecode", "reel_name") and text.strip():
                found.setdefault(key.lower(), text.strip()[:_LONGEST_TAG])
    return found


def _container_name(container: InputContainer) -> str:
    """Return one short name of the container."""
    name = container.format.name
    if name.startswith("mov,"):
        return _BRANDS.get(container.metadata.get("major_brand", "").strip(), "mp4")
    return name.split(",")[0]


def _sane(rate: Fraction | None) -> bool:
    return rate is not None and 0 < rate <= _HIGHEST_RATE


def _claimed_rates(stream: VideoStream) -> list[Fraction]:
    claims = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    return [rate for rate in claims if rate is not None and _sane(rate)]


def _agree(frames: int, expected: Fraction) -> bool:
    """Return whether so many frames are those that a rate would give."""
    return abs(frames - expected) <= max(2, _LEAST_DRIFT * frames)
