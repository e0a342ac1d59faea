"""Decoding of streams in the child, tolerant of damaged packets."""

from collections.abc import Iterator, Sequence
from typing import Any

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream

from video_pipeline.media.child.opening import Input


class Damage:
    """Counts of what could not be read or decoded."""

    def __init__(self) -> None:
        self.packets = self.frames = 0
        self.stopped = ""

    @property
    def warnings(self) -> list[str]:
        """Return warnings for people."""
        found: list[str] = []
        if self.packets:
            found.append(f"{self.packets} damaged packets could not be decoded")
        if self.frames:
            found.append(f"{self.frames} frames are damaged")
        if self.stopped:
            found.append(f"reading stopped before the end: {self.stopped}")
        return found


def read(
    source: Input, container: InputContainer, streams: Sequence[Stream], damage: Damage
) -> "Iterator[Packet[Any]]":
    """Yield the packets of the streams, then an empty one for each to flush its decoder."""
    packets = container.demux(list(streams))
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except FFmpegError as error:
            _unless_memory(error)
            damage.stopped = str(error.strerror)
            break
        source.beat()
        yield packet
    yield from map(flush_of, streams)


def flush_of(stream: Stream) -> "Packet[Any]":
    """Return the empty packet that makes a decoder give its last frames."""
    flush: Packet[Any] = Packet()
    flush.stream = stream
    return flush


def frames_of(packet: "Packet[Any]", damage: Damage) -> list[Any]:
    """Return the frames that a packet completes. Damage is counted."""
    try:
        frames = packet.decode()
    except FFmpegError as error:
        _unless_memory(error)
        damage.packets += 1
        return []
    damage.frames += sum(frame.is_corrupt for frame in frames)
    return frames


def _unless_memory(error: Exception) -> None:
    if isinstance(error, MemoryError):
        raise error
