"""Short clips of the drawn videos, cut without re-encoding, and copies with different bytes."""

from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av

from video_pipeline.samples import drawn


class Lengths(NamedTuple):
    """The durations and the frame rate in a clip's stream headers."""

    video: Fraction
    """Seconds."""
    audio: Fraction
    """Seconds; 0 without an audio stream."""
    frames_per_second: Fraction


def trailer() -> Path:
    """Return the drawn trailer, which has every kind of transition, and audio."""
    return drawn()[1]


def short_clip(target: Path, seconds: float, kinds: Collection[str] = ("video", "audio")) -> bytes:
    """Write the first seconds of the trailer's streams of these kinds. Return the file's bytes."""
    with av.open(str(trailer())) as source, av.open(str(target), "w") as out:
        taken = [stream for stream in source.streams if stream.type in kinds]
        copied = {stream.index: out.add_stream_from_template(stream) for stream in taken}
        for packet in source.demux(taken):
            if packet.dts is not None and packet.dts * packet.time_base <= seconds:
                packet.stream = copied[packet.stream.index]
                out.mux(packet)
    return target.read_bytes()


def unlike(clip: bytes, number: int) -> bytes:
    """Return the same video with different bytes: a `free` box is appended."""
    return clip + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")


def lengths(file: Path) -> Lengths:
    """Return the durations and the frame rate of a clip."""
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
