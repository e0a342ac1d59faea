"""Bare library calls on one file in one process, the baseline of the scenario `overhead`.

Detector, speech model and pictures are those of a Dagster run, with one decode of the frames.
There is no child process, store, catalogue or Dagster. It prints its results.
"""

import io
import json
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np

from video_pipeline.plugins import registry
from video_pipeline.plugins.inputs import FrameBatch, Frames
from video_pipeline.providers.local.models import Models

_BATCH = 32


def find_shots(file: Path) -> tuple[int, int]:
    """How many shots and pictures, one a second: decode, scale in a filter graph, detect."""
    plugin: Any = registry.create("pyscenedetect", {})
    feed = plugin.capabilities().fed
    assert isinstance(feed, Frames)
    with av.open(str(file)) as source:
        stream = source.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        stream.codec_context.options = {"skip_loop_filter": "noref"}
        passing, end, pictures = plugin.start(None, None), Fraction(0), 0
        graph, first, pixels, times = None, 0, [], []
        height = feed.width * stream.height // stream.width // 2 * 2
        for frame in source.decode(stream):
            graph = graph or _scaler(stream, feed, height)
            if frame.time >= pictures:
                _picture(frame)
                pictures += 1
            graph.push(frame)
            pixels.append(graph.pull().to_ndarray())
            times.append(frame.pts)
            end = (frame.pts + frame.duration) * stream.time_base
            if len(pixels) == _BATCH:
                passing.feed(_batch(pixels, times, stream, first))
                first, pixels, times = first + _BATCH, [], []
        if pixels:
            passing.feed(_batch(pixels, times, stream, first))
    pages = list(passing.finish(end))
    known = SimpleNamespace(duration=end)
    return sum(1 for _ in plugin.normalise(None, known, pages)), pictures


def find_words(file: Path) -> int:
    """How many words: the library's own decoder and model."""
    from faster_whisper import WhisperModel
    from faster_whisper.audio import decode_audio

    folder = Models(None, None).find("base")
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)
    segments, _ = model.transcribe(
        decode_audio(str(file)),
        beam_size=1,
        vad_filter=True,
        word_timestamps=True,
        temperature=0.0,
        condition_on_previous_text=False,
    )
    return sum(len(segment.words or ()) for segment in segments)


def _batch(pixels: list, times: list, stream: Any, first: int) -> FrameBatch:
    return FrameBatch(np.stack(pixels), np.array(times, np.int64), stream.time_base, first)


def _scaler(stream: Any, feed: Frames, height: int) -> av.filter.Graph:
    graph = av.filter.Graph()
    nodes = [
        graph.add_buffer(template=stream),
        graph.add("scale", f"{feed.width}:{height}:flags=fast_bilinear"),
        graph.add("format", feed.pixel_format),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def _picture(frame: av.VideoFrame) -> None:
    frame.reformat(320, 180, "rgb24").to_image().save(io.BytesIO(), "JPEG", quality=80)


if __name__ == "__main__":
    given = Path(sys.argv[1])
    shots, pictures = find_shots(given)
    print(json.dumps({"shots": shots, "pictures": pictures, "words": find_words(given)}))
