"""A long 720p reel with cuts, motion and speech, made from the samples.

About a minute is encoded; the rest is the same packets again, with later times.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from video_pipeline.samples import drawn, footage

RATE = 25
_WIDTH, _HEIGHT = 1280, 720


def make_reel(path: Path, seconds: int) -> Path:
    """Write a reel of about that length."""
    part = path.with_name("part.mp4")
    _encode(part)
    with av.open(str(path), "w") as out, av.open(str(part)) as first:
        streams = {s.index: out.add_stream_from_template(s) for s in first.streams}
        length = Fraction(first.streams.video[0].frames, RATE)
        for number in range(max(1, round(seconds / length))):
            _append(out, part, streams, number * length, length)
    part.unlink()
    return path


def _append(
    out: OutputContainer, part: Path, streams: Mapping[int, Any], at: Fraction, length: Fraction
) -> None:
    """Write the part's packets once more, `at` seconds from the start, the encoder's delay left
    out where it would overlap what is there."""
    with av.open(str(part)) as again:
        for packet in again.demux():
            if packet.dts is None or not (0 <= packet.pts * packet.time_base < length):
                continue
            shift = int(at / packet.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = streams[packet.stream.index]
            out.mux(packet)


def _encode(path: Path) -> None:
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        video.width, video.height, video.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        video.codec_context.thread_count = 1
        speech = out.add_stream("aac", rate=16_000, layout="mono")
        count = 0
        for count, frame in enumerate(_frames(), 1):
            image = frame.reformat(_WIDTH, _HEIGHT, "yuv420p")
            image.pts, image.time_base = count - 1, Fraction(1, RATE)
            out.mux(video.encode(image))
        out.mux(video.encode())
        for audio in _speech(count * 16_000 // RATE):
            out.mux(speech.encode(audio))
        out.mux(speech.encode())


def _frames() -> Iterator[av.VideoFrame]:
    for file in (*footage(), *drawn()):
        with av.open(str(file)) as source:
            yield from source.decode(video=0)


def _speech(samples: int) -> Iterator[av.AudioFrame]:
    """The narration of the slide talk, over and over."""
    done = 0
    while done < samples:
        resampler = av.AudioResampler("fltp", "mono", 16_000, frame_size=1024)
        with av.open(str(drawn()[0])) as source:
            for decoded in source.decode(audio=0):
                decoded.pts = None
                for frame in resampler.resample(decoded):
                    if done >= samples:
                        return
                    frame.pts, frame.time_base = done, Fraction(1, 16_000)
                    done += frame.samples
                    yield frame
