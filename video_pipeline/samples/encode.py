"""Encoding of drawn images and audio as H.264 and AAC in MP4."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Mono samples in [-1, 1), shape (samples,).
Audio = NDArray[np.floating[Any]]


def encode(
    into: Path,
    images: Iterable[Image.Image],
    rate: Fraction,
    samples: Audio,
    audio_rate: int,
) -> int:
    """Write a video and return its number of frames. One thread makes the bytes reproducible."""
    frames = 0
    with av.open(str(into), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=rate)
        video.pix_fmt, video.thread_count = "yuv420p", 1
        video.options = {"crf": "26", "preset": "veryslow"}
        audio = container.add_stream("aac", rate=audio_rate, layout="mono")
        audio.bit_rate = 64_000
        for image in images:
            if not frames:
                video.width, video.height = image.size
            container.mux(video.encode(av.VideoFrame.from_image(image)))
            frames += 1
        container.mux(video.encode(None))
        whole = av.AudioFrame.from_ndarray(
            samples[None, :].astype(np.float32), format="fltp", layout="mono"
        )
        whole.sample_rate, whole.pts = audio_rate, 0
        container.mux(audio.encode(whole))
        container.mux(audio.encode(None))
    return frames
