"""Measure how many frames a second the media child delivers, against `ffmpeg -f null`.

    ./run bench decode [--json FILE]

Both decode the same ten minutes of 720p with two threads, in turns. The child also scales every
frame for a detector and for the signals, and its frames arrive as arrays in this process.
"""

import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.reel import program, reel
from benchmarks.report import Report
from video_pipeline.domain.media import MediaInfo
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.media.reader import DecodeEnd, MediaLimits
from video_pipeline.pipeline.signals.measure import FEED
from video_pipeline.plugins.inputs import Frames

_THREADS = 2
_TURNS = 3
_DETECTOR = Frames(width=256, pixel_format="bgr24")


def main() -> None:
    """Print a line a way: frames a second, and the ratio to ffmpeg in the same turn."""
    report = Report(__doc__, "way", "frames/s", "ratio", "least", "most")
    film = reel()
    reader = ChildMediaReader(MediaLimits(threads=_THREADS))
    with film.open("rb") as source:
        media = reader.probe(source, "0" * 64)
    frames = media.video.frames if media.video and media.video.frames else 0
    ways: dict[str, Callable[[], None]] = {
        "ffmpeg -f null": lambda: _ffmpeg(film),
        "child, signals": lambda: _child(reader, film, media, [FEED]),
        "child, signals and a detector's frames": lambda: _child(
            reader, film, media, [FEED, _DETECTOR]
        ),
    }
    seconds = {name: list[float]() for name in ways}
    for _ in range(_TURNS):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    theirs = seconds["ffmpeg -f null"]
    for name, ours in seconds.items():
        ratios = [other / own for own, other in zip(ours, theirs, strict=True)]
        report.row(
            name,
            round(frames / statistics.median(ours)),
            round(statistics.median(ratios), 2),
            round(min(ratios), 2),
            round(max(ratios), 2),
        )
    report.end()


def _ffmpeg(film: Path) -> None:
    arguments = ["-nostdin", "-v", "error", "-threads", str(_THREADS), "-i", str(film)]
    subprocess.run([program("ffmpeg"), *arguments, "-an", "-f", "null", "-"], check=True)


def _child(reader: ChildMediaReader, film: Path, media: MediaInfo, feeds: list[Frames]) -> None:
    with film.open("rb") as source:
        *_, last = reader.decode(source, media, feeds)
    assert isinstance(last, DecodeEnd)


if __name__ == "__main__":
    main()
