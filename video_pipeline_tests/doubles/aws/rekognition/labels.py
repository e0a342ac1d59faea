"""Rows of label detection: labels with boxes, at two samples a second or by segment."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from video_pipeline_tests.doubles.aws.rekognition.content import VideoContent
from video_pipeline_tests.doubles.aws.rekognition.rows import Row, Rows, chance, confidence

_SCENE_SAMPLES = 20
"""Samples in a scene of ten seconds, in which the labels stay the same."""
_PER_SAMPLE = 3


class _Known(NamedTuple):
    name: str
    parents: tuple[str, ...]
    category: str
    instances: int


_VOCABULARY = (
    _Known("Person", (), "Person Description", 2),
    _Known("Car", ("Transportation", "Vehicle"), "Vehicles and Automotive", 1),
    _Known("Dog", ("Animal", "Canine", "Mammal", "Pet"), "Animals and Pets", 1),
    _Known("City", ("Urban",), "Buildings and Architecture", 0),
    _Known("Nature", (), "Nature and Outdoors", 0),
    _Known("Bicycle", ("Transportation", "Vehicle"), "Vehicles and Automotive", 1),
    _Known("Indoors", (), "Home and Indoors", 0),
)


def labels(seed: str, content: VideoContent, request: dict[str, Any], view: dict[str, Any]) -> Rows:
    """Return the rows for one request, sorted and aggregated as the Get requests."""
    known = _allowed(request.get("Settings", {}).get("GeneralLabels", {}))
    least = request.get("MinConfidence", 50)
    if view.get("AggregateBy") == "SEGMENTS":
        rows = _by_segment(seed, content, known, least)
    else:
        rows = _by_sample(seed, content, known, least)
    if view.get("SortBy") == "NAME":
        return by_name(rows, "Label")
    return rows


def _allowed(filters: dict[str, Any]) -> tuple[_Known, ...]:
    def passes(known: _Known) -> bool:
        only, never = filters.get("LabelInclusionFilters"), filters.get("LabelExclusionFilters", ())
        within = filters.get("LabelCategoryInclusionFilters")
        without = filters.get("LabelCategoryExclusionFilters", ())
        wanted = known.name in only if only else True
        wanted = wanted and (known.category in within if within else True)
        return wanted and known.name not in never and known.category not in without

    return tuple(known for known in _VOCABULARY if passes(known))


def _by_sample(seed: str, content: VideoContent, known: Sequence[_Known], least: float) -> Rows:
    each = min(_PER_SAMPLE, len(known))
    count = content.samples * each if content.rows is None else content.rows
    each = -(-count // content.samples)

    def row(number: int) -> Row:
        sample, slot = divmod(number, each)
        label = known[(sample // _SCENE_SAMPLES + slot) % len(known)]
        told = _told(label, confidence(least, seed, label.name, number))
        told["Instances"] = [
            {"BoundingBox": box(seed, f"{label.name}{n}{slot}", sample), "Confidence": 90.5}
            for n in range(label.instances)
        ]
        return {"Timestamp": sample * 500, "Label": told}

    return Rows(count if known else 0, row)


def _by_segment(seed: str, content: VideoContent, known: Sequence[_Known], least: float) -> Rows:
    scenes = -(-content.samples // _SCENE_SAMPLES)
    each = min(_PER_SAMPLE, len(known))
    count = scenes * each if content.rows is None else content.rows
    each = -(-count // scenes)

    def row(number: int) -> Row:
        scene, slot = divmod(number, each)
        label = known[(scene + slot) % len(known)]
        start = scene * _SCENE_SAMPLES * 500
        end = min(start + _SCENE_SAMPLES * 500, content.milliseconds)
        told = _told(label, confidence(least, seed, label.name, number))
        return {"Timestamp": start, "Label": told} | stretch(start, end)

    return Rows(count if known else 0, row)


def stretch(start: int, end: int) -> Row:
    """Return the members of a row that is aggregated by segment, in milliseconds."""
    return {
        "StartTimestampMillis": start,
        "EndTimestampMillis": end,
        "DurationMillis": end - start,
    }


def _told(label: _Known, sure: float) -> Row:
    return {
        "Name": label.name,
        "Confidence": sure,
        "Parents": [{"Name": name} for name in label.parents],
        "Aliases": [],
        "Categories": [{"Name": label.category}],
    }


def by_name(rows: Rows, member: str) -> Rows:
    """Return the rows by name, then by descending confidence. Only the order is held in memory."""

    def key(number: int) -> tuple[str, float]:
        found = rows.row(number)[member]
        return found["Name"], -found["Confidence"]

    return rows.ordered(sorted(range(rows.count), key=key).__getitem__)


def box(seed: str, name: str, sample: int) -> Row:
    """Return a box that moves slowly, so that it overlaps with itself in the next sample."""
    phase = 2 * math.pi * chance(seed, "box", name) + sample / 20
    return {
        "Width": 0.2,
        "Height": 0.3,
        "Left": round(0.4 + 0.35 * math.sin(phase), 6),
        "Top": round(0.35 + 0.3 * math.cos(phase), 6),
    }
