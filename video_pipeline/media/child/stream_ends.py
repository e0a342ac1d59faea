"""The ends of streams, read from their last packets rather than from the container's claims."""

from dataclasses import dataclass
from fractions import Fraction

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from video_pipeline.media.child.clock import LONGEST_GAP
from video_pipeline.media.child.decoding import Damage, read
from video_pipeline.media.child.opening import Input

# A file up to this size is read whole. Of larger and remote ones, only the last seconds are read.
_READ_WHOLE_BYTES = 64 << 20
_LAST_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Ends:
    """Seconds on the container's clock, None without packets. `complete`: all packets were read."""

    video: Fraction | None
    audio: Fraction | None
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
    if is_served or container.size > _READ_WHOLE_BYTES:
        found = _scan(source, indices, near_end=True)
        if is_served:
            return Ends(found[0], found[1], complete=False)
        missing = [index for end, index in zip(found, indices, strict=True) if end is None]
        if not any(index is not None for index in missing):
            return Ends(found[0], found[1], complete=False)
    found = _scan(source, indices, near_end=False)
    return Ends(found[0], found[1], complete=True)


def _scan(source: Input, indices: list[int | None], near_end: bool) -> list[Fraction | None]:
    with source.open() as container:
        if near_end and not _seek_near_end(container):
            return [None, None]
        wanted = [container.streams[index] for index in indices if index is not None]
        ends: dict[int, Fraction] = {}
        for packet in read(source, container, wanted, Damage()):
            moment = packet.dts if packet.pts is None else packet.pts
            if moment is None or packet.is_discard or packet.stream.time_base is None:
                continue
            end = (moment + _length(packet.stream, packet.duration)) * packet.stream.time_base
            index = packet.stream.index
            ends[index] = max(end, ends.get(index, end))
        return [None if index is None else ends.get(index) for index in indices]


def _seek_near_end(container: InputContainer) -> bool:
    if not container.duration:
        return False
    start = container.start_time or 0
    try:
        container.seek(max(start, start + container.duration - _LAST_SECONDS * 1_000_000))
    except FFmpegError:
        return False
    return True


def _length(stream: VideoStream | AudioStream, duration: int | None) -> Fraction:
    """Return the ticks of a packet, by the frame rate if its duration is missing or absurd."""
    if duration and 0 < duration * (stream.time_base or 0) <= LONGEST_GAP:
        return Fraction(duration)
    rate = stream.average_rate if isinstance(stream, VideoStream) else None
    return 1 / (rate * stream.time_base) if rate and stream.time_base else Fraction(0)
