"""The ends of streams, read from their last packets rather than from the container's claims."""

from dataclasses import dataclass, field
from fractions import Fraction
from heapq import nlargest
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from video_pipeline.media.child.decoding import Damage, read
from video_pipeline.media.child.opening import Input
from video_pipeline.media.child.rates import LONGEST_GAP, Pace

# A file up to this size is read whole. Of a larger one, only the last seconds are read.
_READ_WHOLE_BYTES, _READ_WHOLE_SERVED_BYTES = 64 << 20, 2 << 20
_LAST_SECONDS = 10
# Packets whose timestamps tell the length of the last one.
_LAST_PACKETS = 64


@dataclass(slots=True)
class Packets:
    """The shown packets of one stream, of the whole file or of its last seconds."""

    time_base: Fraction
    count: int = 0
    end: Fraction | None = None
    """Seconds on the container's clock, as the packets claim their durations."""
    _latest: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def add(self, packet: "Packet[Any]") -> None:
        """Count a packet unless it is not to be shown."""
        if packet.is_discard or not packet.size:
            return
        self.count += 1
        moment = packet.dts if packet.pts is None else packet.pts
        if moment is None:
            return
        duration = packet.duration or 0
        if not 0 < duration * self.time_base <= LONGEST_GAP:
            duration = 0
        end = (moment + duration) * self.time_base
        self.end = end if self.end is None else max(self.end, end)
        self._latest.append((moment, duration))
        if len(self._latest) > 2 * _LAST_PACKETS:
            self._latest = nlargest(_LAST_PACKETS, self._latest)

    def shown_until(self, rate: Fraction, *, varies: bool) -> Fraction | None:
        """Return when the last frame ends, in seconds on the container's clock."""
        pace, last = Pace(self.time_base), None
        for moment, duration in sorted(self._latest)[-_LAST_PACKETS:]:
            if moment != last:
                pace.add(moment, duration)
                last = moment
        if last is None:
            return None
        length = pace.last_length(None if varies else rate) or 1 / rate
        return last * self.time_base + length


@dataclass(frozen=True, slots=True)
class Ends:
    """The packets of both streams, None without any. `complete`: all packets were read."""

    video: Packets | None
    audio: Packets | None
    complete: bool


def stream_ends(
    source: Input,
    container: InputContainer,
    video: VideoStream | None,
    audio: AudioStream | None,
) -> Ends:
    """Read the last packets in a container of its own. Raises MediaFault."""
    indices = [stream.index if stream else None for stream in (video, audio)]
    is_served = source.served_bytes is not None
    if container.size > (_READ_WHOLE_SERVED_BYTES if is_served else _READ_WHOLE_BYTES):
        found = _scan(source, indices, near_end=True)
        if is_served:
            return Ends(found[0], found[1], complete=False)
        missing = [index for end, index in zip(found, indices, strict=True) if end is None]
        if not any(index is not None for index in missing):
            return Ends(found[0], found[1], complete=False)
    found = _scan(source, indices, near_end=False)
    return Ends(found[0], found[1], complete=True)


def _scan(source: Input, indices: list[int | None], near_end: bool) -> list[Packets | None]:
    with source.open() as container:
        if near_end and not _seek_near_end(container):
            return [None, None]
        wanted = [container.streams[index] for index in indices if index is not None]
        found = {stream.index: Packets(stream.time_base or Fraction(1)) for stream in wanted}
        for packet in read(source, container, wanted, Damage()):
            found[packet.stream.index].add(packet)
        timed = {index: packets for index, packets in found.items() if packets.end is not None}
        return [None if index is None else timed.get(index) for index in indices]


def _seek_near_end(container: InputContainer) -> bool:
    if not container.duration:
        return False
    start = container.start_time or 0
    try:
        container.seek(max(start, start + container.duration - _LAST_SECONDS * 1_000_000))
    except FFmpegError:
        return False
    return True
