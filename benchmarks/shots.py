"""Measure how well and how fast shots are found, on labelled footage and drawn transitions.

    VIDEO_PIPELINE_TEST_MEDIA=FOLDER ./run bench shots [--json FILE]

The folder has bench/labels/shots.json and the clips that it names. Thresholds were chosen on one
half of the clips (`CHOSEN_ON` of shot_footage.py) and are reported on the other half too. Every way
gets the same decoded frames, 256 pixels wide. CPU time is that of the ways, without the decode.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.reel import footage
from benchmarks.shot_footage import Film, Label, clips, hand_made, programme, stretches
from video_pipeline.domain.media import MediaInfo, VideoStream
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.markers import Kind
from video_pipeline.domain.time import FrameRate
from video_pipeline.domain.work import WorkRequest
from video_pipeline.plugins import registry
from video_pipeline.plugins.inputs import FrameBatch

_TOLERANCE = 2
_BATCH = 32
_DRAWN, _SEEDS = 40, (11, 12)
_TEN_MINUTES = 15_000
_KINDS = ("cut", "dissolve", "fade", "wipe")


@dataclass
class Score:
    """Boundaries found, found falsely, and missed; found and missed by kind."""

    right: int = 0
    false: int = 0
    missed: int = 0
    kinds: dict[str, list[int]] = field(default_factory=dict)
    seconds: float = 0.0
    frames: int = 0

    def add(self, other: "Score") -> None:
        self.right += other.right
        self.false += other.false
        self.missed += other.missed
        self.seconds += other.seconds
        self.frames += other.frames
        for kind, (right, missed) in other.kinds.items():
            mine = self.kinds.setdefault(kind, [0, 0])
            mine[0] += right
            mine[1] += missed

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.false)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(1, 2 * self.right + self.false + self.missed)

    def told(self) -> dict[str, Any]:
        """Return all figures."""
        rates = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return asdict(self) | {name: round(rate, 4) for name, rate in rates.items()}


Way = Callable[[Film], list[int]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    console, told = Console(), dict[str, Any]()
    shots: dict[bool, list[Any]] = {True: [], False: []}
    real = {name: dict[str, Score]() for name in WAYS}
    halves = dict[str, bool]()
    for film in clips(footage() / "bench"):
        halves[film.name] = film.chosen_on
        shots[film.chosen_on] += stretches(film)
        for name in WAYS:
            real[name][film.name] = _scored(film, name)
    told["clips"] = _print_clips(console, real, halves)
    drawn = {name: {True: Score(), False: Score()} for name in WAYS}
    for half, sources in shots.items():
        for seed in _SEEDS:
            film = programme(f"drawn {seed}", half, sources, seed, _DRAWN)
            for name in WAYS:
                drawn[name][half].add(_scored(film, name))
    told["drawn"] = _print_halves(console, "drawn transitions", drawn)
    told["hand_made"] = _print_hand_made(console, shots[False])
    told["cpu"] = _print_cpu(console, real)
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1) + "\n")


def _scored(film: Film, name: str) -> Score:
    begun = time.process_time()
    found = WAYS[name](film)
    seconds = time.process_time() - begun
    score = matched(found, film)
    score.seconds, score.frames = seconds, len(film.frames)
    return score


def matched(found: Iterable[int], film: Film) -> Score:
    """Count: a label is found by one boundary within it or at most two frames from it."""
    left, score = list(film.labels), Score()
    for frame in found:
        if any(first <= frame <= last for first, last in film.ignored):
            continue
        hit = next((label for label in left if _is_at(frame, label)), None)
        if hit is None:
            score.false += 1
        else:
            left.remove(hit)
            score.right += 1
            score.kinds.setdefault(hit.kind, [0, 0])[0] += 1
    for label in left:
        if not any(first <= label.start and label.end <= last for first, last in film.ignored):
            score.missed += 1
            score.kinds.setdefault(label.kind, [0, 0])[1] += 1
    return score


def _is_at(frame: int, label: Label) -> bool:
    return label.start - _TOLERANCE <= frame <= label.end + _TOLERANCE


def _by_plugin(name: str) -> Way:
    plugin: Any = registry.create(name, {})

    def find(film: Film) -> list[int]:
        rate = Fraction(film.rate).limit_denominator(1001)
        media, request = _media(film, rate), _request(plugin)
        stream = plugin.start(request, media)
        for first in range(0, len(film.frames), _BATCH):
            pixels = film.frames[first : first + _BATCH]
            pts = np.arange(first, first + len(pixels))
            stream.feed(FrameBatch(pixels, pts, 1 / rate, first))
        markers = plugin.normalise(request, media, stream.finish(media.duration))
        shots = [marker.range.start for marker in markers if marker.kind == Kind.SHOT]
        return [int(start * rate) for start in shots[1:]]

    return find


def _media(film: Film, rate: Fraction) -> MediaInfo:
    height, width = film.frames.shape[1:3]
    duration = len(film.frames) / rate
    video = VideoStream(
        codec="h264",
        width=width,
        height=height,
        frame_rate=FrameRate(per_second=rate),
        time_base=1 / rate,
        duration=duration,
    )
    return MediaInfo(
        container="mp4", size=1, sha256="0" * 64, duration=duration, video=video, audio=None
    )


def _request(plugin: Any) -> WorkRequest:
    return WorkRequest(
        key=VideoKey(project="bench", video="film"),
        content="0" * 64,
        provider="bench",
        plugin=plugin.name,
        account="local",
        region="local",
        operation="analyse",
        phases=(Phase.SHOTS,),
        kinds=plugin.capabilities().kinds,
        parameters={},
        model=plugin.model,
    )


def _scenedetect(film: Film) -> list[int]:
    """Return what PySceneDetect's adaptive detector finds by its own defaults."""
    from scenedetect import FrameTimecode
    from scenedetect.detectors import AdaptiveDetector

    detector = AdaptiveDetector()
    numbered = ((FrameTimecode(n, fps=film.rate), pixels) for n, pixels in enumerate(film.frames))
    return [cut.frame_num for at, pixels in numbered for cut in detector.process_frame(at, pixels)]


WAYS: dict[str, Way] = {
    "transnetv2": _by_plugin("transnetv2"),
    "pyscenedetect": _by_plugin("pyscenedetect"),
    "scenedetect adaptive": _scenedetect,
}


def _print_clips(
    console: Console, real: dict[str, dict[str, Score]], halves: dict[str, bool]
) -> dict[str, Any]:
    table = Table("clip", "half", *WAYS, title="labelled clips: right / false / missed")
    for clip, chosen in halves.items():
        cells = (f"{s.right} / {s.false} / {s.missed}" for s in (real[way][clip] for way in WAYS))
        table.add_row(clip, "chosen on" if chosen else "other", *cells)
    console.print(table)
    sums = {way: {True: Score(), False: Score()} for way in WAYS}
    for way, scores in real.items():
        for clip, score in scores.items():
            sums[way][halves[clip]].add(score)
    told = _print_halves(console, "labelled clips", sums)
    return told | {"by_clip": {w: {c: s.told() for c, s in real[w].items()} for w in WAYS}}


def _print_halves(
    console: Console, title: str, sums: dict[str, dict[bool, Score]]
) -> dict[str, Any]:
    table = Table("way", "half", "precision", "recall", "F1", *_KINDS, title=f"{title}: by half")
    told = dict[str, Any]()
    for way, halves in sums.items():
        whole = Score()
        for score in halves.values():
            whole.add(score)
        for half, score in (("chosen on", halves[True]), ("other", halves[False]), ("all", whole)):
            rates = (f"{rate:.3f}" for rate in (score.precision, score.recall, score.f1))
            kinds = (score.kinds.get(kind, [0, 0]) for kind in _KINDS)
            table.add_row(way, half, *rates, *(f"{right}/{right + lost}" for right, lost in kinds))
            told[f"{way}, {half}"] = score.told()
    console.print(table)
    return told


def _print_hand_made(console: Console, shots: list[Any]) -> dict[str, Any]:
    table = Table("hand-made", "expected", *WAYS, title="boundaries found")
    told = dict[str, Any]()
    for film in hand_made(shots):
        found = {name: way(film) for name, way in WAYS.items()}
        expected = " ".join(f"{one.start}-{one.end}" for one in film.labels) or "none"
        cells = (" ".join(map(str, frames)) or "none" for frames in found.values())
        table.add_row(film.name, expected, *cells)
        told[film.name] = {"expected": expected} | found
    console.print(table)
    return told


def _print_cpu(console: Console, real: dict[str, dict[str, Score]]) -> dict[str, Any]:
    table = Table("way", "CPU-s per 10 min at 25/s", "ratio", title="CPU time without the decode")
    least, told = 0.0, dict[str, Any]()
    for way in reversed(WAYS):
        total = Score()
        for score in real[way].values():
            total.add(score)
        cost = total.seconds / total.frames * _TEN_MINUTES
        least = least or cost
        table.add_row(way, f"{cost:.1f}", f"{cost / least:.2f}")
        told[way] = {"seconds": round(cost, 2), "ratio": round(cost / least, 3)}
    console.print(table)
    return told


if __name__ == "__main__":
    main()
