"""What the benchmark of shots looks at: labelled clips, and programmes drawn from their shots."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.media.reader import FedFrames
from video_pipeline.plugins.inputs import Frames as FramesFeed

Frames = NDArray[np.uint8]
"""In BGR, of shape (n, height, width, 3)."""

FEED = FramesFeed(width=256, pixel_format="bgr24")

# Thresholds are chosen on the first half only.
CHOSEN_ON = (
    "bbb-027s", "bbb-288s", "popeye-1", "popeye-3", "nasa-webb", "nocut-traffic",
    "nocut-chaplin", "nocut-flashes",
)  # fmt: skip

DRAWN_RATE, _DRAWN_SIZE = 25.0, (256, 144)
_LENGTHS = (8, 12, 16, 25, 40, 60)
_STRETCH = 150


@dataclass(frozen=True)
class Label:
    """A boundary: the first and last changed frame; of a cut, twice the first one after it."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Film:
    """Frames with their boundaries, and ranges in which nothing counts."""

    name: str
    chosen_on: bool
    rate: float
    frames: Frames
    labels: tuple[Label, ...]
    ignored: tuple[tuple[int, int], ...] = ()


def clips(folder: Path) -> Iterator[Film]:
    """Yield the labelled clips, decoded as the plugins get them."""
    listed = json.loads((folder / "labels" / "shots.json").read_text())["clips"]
    for clip in listed:
        path = folder / clip["file"]
        whole, part = map(int, clip["frame_rate"].split("/"))
        labels = tuple(Label(b["start"], b["end"], b["kind"]) for b in clip["boundaries"])
        ignored = tuple((first, last) for first, last in clip["ignore"])
        on = path.stem in CHOSEN_ON
        yield Film(path.stem, on, whole / part, _decoded(path), labels, ignored)


def _decoded(path: Path) -> Frames:
    reader = ChildMediaReader()
    with path.open("rb") as source:
        media = reader.probe(source, hashlib.sha256(path.read_bytes()).hexdigest())
        values = reader.decode(source, media, [FEED])
        return np.concatenate([v.batch.pixels.copy() for v in values if isinstance(v, FedFrames)])


def stretches(film: Film) -> list[Frames]:
    """Return a few long stretches without a boundary, in the size of drawn programmes."""
    if film.name == "nocut-flashes":  # a flash within a dissolve has no truth
        return []
    edges = [0, len(film.frames)]
    edges += [n for label in film.labels for n in (label.start - 3, label.end + 3)]
    edges += [n for ends in film.ignored for n in ends]
    edges.sort()
    middles = [
        (first + after - _STRETCH) // 2
        for first, after in pairwise(edges)
        if after - first >= _STRETCH
        and not any(a <= first <= b for a, b in film.ignored)
        and not any(label.start <= first + 3 and after - 3 <= label.end for label in film.labels)
    ]
    return [
        np.stack([cv2.resize(f, _DRAWN_SIZE) for f in film.frames[first : first + _STRETCH]])
        for first in middles[:4]
    ]


def programme(name: str, chosen_on: bool, shots: list[Frames], seed: int, count: int) -> Film:
    """Return a drawn programme: shots joined by cuts, dissolves and fades of 8 to 60 frames."""
    random = np.random.default_rng(seed)
    choice = int(random.integers(len(shots)))
    drawn, labels, rest = list[Frames](), list[Label](), shots[choice]
    for number in range(count):
        choice = (choice + int(random.integers(1, len(shots)))) % len(shots)
        shot = shots[choice][: int(random.integers(130, _STRETCH + 1))]
        kind = ("dissolve", "fade", "dissolve", "cut")[number % 4]
        length = int(random.choice(_LENGTHS))
        overlap = {"dissolve": length, "fade": length // 2, "cut": 0}[kind]
        body = len(rest) - overlap
        changed = _joined(kind, rest[body:], shot[:overlap], int(random.integers(1, 11)))
        start = sum(map(len, drawn)) + body
        labels.append(Label(start, start + max(0, len(changed) - 1), kind))
        drawn += [rest[:body], changed]
        rest = shot[overlap:]
    return Film(name, chosen_on, DRAWN_RATE, np.concatenate([*drawn, rest]), tuple(labels))


def _joined(kind: str, one: Frames, other: Frames, black: int) -> Frames:
    """Return the changed frames between two shots."""
    share = (np.arange(1, len(one) + 1) / (len(one) + 1))[:, None, None, None]
    if kind == "dissolve":
        return mixed(one, other, share)
    if kind == "cut":
        return one
    dark = np.zeros((black, *one.shape[1:]), np.uint8)
    return np.concatenate([mixed(one, one * 0, share), dark, mixed(other * 0, other, share)])


def mixed(one: Frames, other: Frames, share: Any) -> Frames:
    """Return one picture with a share of the other, 0 to 1."""
    return np.rint(one * (1 - share) + other * share).astype(np.uint8)


def hand_made(shots: list[Frames]) -> Iterator[Film]:
    """Yield what is easily taken for a boundary, named by what it is."""
    one, other = shots[0][:140], shots[-1][:140]
    share = (np.arange(1, 26) / 26)[:, None, None, None]
    black, white = one[:25] * 0, one[:3] * 0 + 255
    up, down = mixed(black, one[:25], share), mixed(one[115:], black, share)
    strobe = one.copy()
    strobe[50:90:2] = 255 - strobe[50:90:2]
    between = one.copy()
    between[50:90:2] = other[50:90:2]
    noise = np.random.default_rng(1).integers(-12, 13, one.shape)
    noisy = np.clip(one.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    gray = np.repeat(one.mean(3, keepdims=True).astype(np.uint8), 3, 3)
    frozen = np.concatenate([one[:60], np.repeat(one[60:61], 60, 0), one[60:]])
    cases: list[tuple[str, list[Frames], tuple[Label, ...]]] = [
        ("black for a second within a shot", [one[:70], black, one[70:]], ()),
        ("white flash of three frames", [one[:70], white, one[70:]], ()),
        ("flicker to the negative", [strobe], ()),
        ("flicker between two shots", [between], ()),
        ("freeze of 60 frames", [frozen], ()),
        ("noise", [noisy], ()),
        ("gray", [gray], ()),
        ("black throughout", [black, black], ()),
        ("fade in at the start", [black, up, one[25:]], ()),
        ("fade out at the end", [one[:115], down, black], ()),
        ("black, then a shot", [black, one], ()),
        (
            "black for a second between two shots",
            [one, black, other],
            (Label(140, 165, "cut"),),
        ),
        (
            "fade out, black, fade in",
            [one[:115], down, black, mixed(black, other[:25], share), other[25:]],
            (Label(115, 189, "fade"),),
        ),
        (
            "fade out, then a shot at once",
            [one[:115], down, black, other],
            (Label(115, 165, "fade"),),
        ),
    ]
    for name, parts, labels in cases:
        yield Film(name, False, DRAWN_RATE, np.concatenate(parts), labels)
