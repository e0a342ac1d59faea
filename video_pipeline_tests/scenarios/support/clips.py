"""Short clips of the drawn videos, their packets as they are, and the same ones in other bytes."""

from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av

from video_pipeline.samples import drawn


class Lengths(NamedTuple):
    """What a clip's streams say of themselves."""

    video: Fraction
    """Seconds."""
    audio: Fraction
    """Seconds; 0 without sound."""
    frames_per_second: Fraction


def trailer() -> Path:
    """The drawn trailer, which has every kind of transition, and sound."""
    return drawn()[1]


def short_clip(target: Path, seconds: float, kinds: Collection[str] = ("video", "audio")) -> bytes:
    """The first seconds of the trailer, or of some of its streams."""
    with av.open(str(trailer())) as source, av.open(str(target), "w") as out:
        taken = [stream for stream in source.streams if stream.type in kinds]
        copied = {stream.index: out.add_stream_from_template(stream) for stream in taken}
        for packet in source.demux(taken):
            if packet.dts is not None and packet.dts * packet.time_base <= seconds:
                packet.stream = copied[packet.stream.index]
                out.mux(packet)
    return target.read_bytes()


def unlike(clip: bytes, number: int) -> bytes:
    """The same video in other bytes: an empty box behind it."""
    return clip + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")


def lengths(file: Path) -> Lengths:
    """How long a clip's streams are."""
    with av.open(str(file)) as opened:
        pictures = opened.streams.video[0]
        assert pictures.average_rate is not None
        sound = next(iter(opened.streams.audio), None)
        return Lengths(
            _seconds(pictures), _seconds(sound) if sound else Fraction(0), pictures.average_rate
        )


def _seconds(stream: av.VideoStream | av.AudioStream) -> Fraction:
    assert stream.duration is not None and stream.time_base is not None
    return stream.duration * stream.time_base
