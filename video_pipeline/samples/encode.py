"""Writes drawn frames and sound as H.264 and AAC in MP4. What is drawn lies elsewhere."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Sound = NDArray[np.floating[Any]]
"""Mono samples in [-1, 1), shape (samples,)."""


def encode(
    into: Path,
    pictures: Iterable[Image.Image],
    rate: Fraction,
    sound: Sound,
    sound_rate: int,
) -> int:
    """Write a video, all on one thread so that it comes out the same; how many frames it has."""
    frames = 0
    with av.open(str(into), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=rate)
        video.pix_fmt, video.thread_count = "yuv420p", 1
        video.options = {"crf": "26", "preset": "veryslow"}
        audio = container.add_stream("aac", rate=sound_rate, layout="mono")
        audio.bit_rate = 64_000
        for picture in pictures:
            if not frames:
                video.width, video.height = picture.size
            container.mux(video.encode(av.VideoFrame.from_image(picture)))
            frames += 1
        container.mux(video.encode(None))
        whole = av.AudioFrame.from_ndarray(
            sound[None, :].astype(np.float32), format="fltp", layout="mono"
        )
        whole.sample_rate, whole.pts = sound_rate, 0
        container.mux(audio.encode(whole))
        container.mux(audio.encode(None))
    return frames
