"""Short real videos, and their delivery without a sensor."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import Source
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services


def encode(
    path: Path,
    *,
    seconds: int = 2,
    video: bool = True,
    audio: bool = True,
    shades: Sequence[int] = (40, 200),
) -> Path:
    """Write an MP4 with a shot of each shade, all of equal length, and a tone."""
    with av.open(str(path), "w") as out:
        frames = out.add_stream("libx264", rate=25) if video else None
        if frames is not None:
            frames.width, frames.height, frames.pix_fmt = 160, 90, "yuv420p"
        tone = out.add_stream("aac", rate=16000, layout="mono") if audio else None
        if frames is not None:
            for number in range(seconds * 25):
                shade = shades[number * len(shades) // (seconds * 25)]
                frame = av.VideoFrame.from_ndarray(np.full((90, 160, 3), shade, np.uint8))
                frame.pts, frame.time_base = number, Fraction(1, 25)
                out.mux(frames.encode(frame))
            out.mux(frames.encode())
        if tone is not None:
            wave = np.sin(np.arange(seconds * 16000) / 8).astype(np.float32).reshape(1, -1)
            samples = av.AudioFrame.from_ndarray(wave, "flt", "mono")
            samples.sample_rate, samples.pts = 16000, 0
            out.mux(tone.encode(samples))
            out.mux(tone.encode())
    return path


def draw(path: Path, pictures: Iterable[NDArray[np.uint8]], *, keyframes: int = 250) -> Path:
    """Write these pictures of 160 x 90 as a video of 25 frames a second, without sound."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        stream.codec_context.gop_size = keyframes
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def delivered(
    services: Services, ingest: Path, key: str, file: Path, *, inspected: bool = True
) -> VideoKey:
    """Put a copy of a file into the ingest folder, register it, and inspect it."""
    video = VideoKey.parse(key)
    object_key = f"{video.prefix}video.mp4"
    target = ingest / object_key
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(file.read_bytes())
    found = services.ingest.project(video.project).stat(object_key)
    assert found is not None
    source = Source(
        key=video, object_key=object_key, name=video.video, version=found.version, size=found.size
    )
    services.of(video.project).videos.register(source, services.clock())
    if inspected:
        made = run_video(services, video, phases=[Phase.SOURCE_VIDEO, Phase.MEDIA_INFO])
        assert all(outcome.state.good for outcome in made.values())
    return video
