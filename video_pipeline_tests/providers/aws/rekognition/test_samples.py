"""Labels, objects, text, faces and moderation from the pictures that AWS looked at."""

import json
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from video_pipeline.domain.errors import ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Box, Marker
from video_pipeline.providers.aws.rekognition import pages
from video_pipeline_tests.providers.aws.cases import case
from video_pipeline_tests.providers.aws.rekognition.rekognising import media, plugin, unit

HALF = Fraction(1, 2)
BOX = {"Left": 0.25, "Top": 0.5, "Width": 0.25, "Height": 0.25}


def label(moment: int, name: str, confidence: float = 90, *boxes: Any) -> dict[str, Any]:
    instances = [{"BoundingBox": box, "Confidence": 75.0} for box in boxes]
    told = {"Name": name, "Confidence": confidence, "Instances": instances}
    return {"Timestamp": moment, "Label": told}


def markers(kind: str, rows: list[Any], member: str, of: MediaInfo | None = None) -> list[Marker]:
    of, made = of or media(), plugin()
    pages = [json.dumps({member: rows[n : n + 1000]}).encode() for n in range(0, len(rows), 1000)]
    return list(made.normalise(unit(made, kind, of).request, of, iter(pages)))


def labels(*rows: Any) -> list[Marker]:
    # Asked for both kinds, as the analysis gives both.
    of, made = media(), plugin()
    request = unit(made, "label", of).request.model_copy(update={"kinds": ("label", "object")})
    return list(made.normalise(request, of, iter([json.dumps({"Labels": rows}).encode()])))


def test_label_in_consecutive_frames_is_one_marker() -> None:
    (found,) = labels(label(0, "Dog", 80), label(500, "Dog", 95), label(1000, "Dog", 90))
    assert (found.kind, found.label, found.confidence) == ("label", "Dog", 0.95)
    assert (found.range.start, found.range.end) == (0, Fraction(3, 2))


def test_label_missing_in_one_frame_is_two_markers() -> None:
    found = labels(label(0, "Dog"), label(500, "Cat"), label(1000, "Dog"))
    assert [(m.label, m.range.start, m.range.end) for m in found] == [
        ("Dog", 0, HALF),
        ("Cat", HALF, 1),
        ("Dog", 1, Fraction(3, 2)),
    ]


def test_frames_without_rows_end_every_marker() -> None:
    found = labels(label(0, "Dog"), label(500, "Dog"), label(9000, "Dog"))
    assert [(m.range.start, m.range.end) for m in found] == [(0, 1), (9, Fraction(19, 2))]


def test_picture_without_the_label_is_not_bridged() -> None:
    rows = json.loads(case("rekognition_picture_without_the_label"))["ModerationLabels"]
    found = markers("moderation", rows, "ModerationLabels")
    ranges = [(float(m.range.start), float(m.range.end)) for m in found]
    assert ranges == [(0, 0.98), (1.48, 1.98)]


def test_a_video_of_one_frame_a_second_has_longer_steps() -> None:
    rows = [
        {"Timestamp": n * 1000, "ModerationLabel": {"Name": "A", "Confidence": 60.0}}
        for n in (0, 1, 3)
    ]
    found = markers("moderation", rows, "ModerationLabels", media(60, 1))
    assert [(m.range.start, m.range.end) for m in found] == [(0, 2), (3, 4)]


def test_labels_are_given_in_the_order_of_their_starts() -> None:
    long = [label(n * 500, "Sky") for n in range(20)]
    short = [label(n * 500, f"Bird {n}") for n in range(0, 20, 3)]
    rows = sorted([*long, *short], key=lambda row: row["Timestamp"])
    found = labels(*rows)
    assert [m.range.start for m in found] == sorted(m.range.start for m in found)
    assert len(found) == 1 + len(short)


def test_long_label_is_split_to_bound_the_backlog() -> None:
    pictures = range(3000)
    rows = [label(n * 500, name) for n in pictures for name in ("Sky", f"Bird {n}")]
    found = markers("label", rows, "Labels", media(1500))
    assert [m.range.start for m in found] == sorted(m.range.start for m in found)
    assert sum(m.label != "Sky" for m in found) == len(pictures)
    sky = [m for m in found if m.label == "Sky"]
    assert len(sky) == 3
    assert (sky[0].range.start, sky[-1].range.end) == (0, 1500)
    assert all(one.range.end == after.range.start for one, after in pairwise(sky))


def test_instances_are_one_object_per_frame_and_no_label() -> None:
    found = labels(label(0, "Car", 99, BOX, BOX), label(500, "Car", 99, BOX))
    assert [(m.kind, m.label, m.confidence) for m in found] == [("object", "Car", 0.75)] * 3
    assert [(m.range.start, m.range.end) for m in found] == [(0, HALF), (0, HALF), (HALF, 1)]
    assert found[0].box == Box(left=0.25, top=0.5, width=0.25, height=0.25)


def test_boxes_and_confidences_are_clamped() -> None:
    beyond = {"Left": -0.25, "Top": 0.75, "Width": 0.5, "Height": 0.5}
    (found,) = labels(label(0, "Car", 99, beyond) | {"Timestamp": 59_900})
    assert found.box == Box(left=0, top=0.75, width=0.25, height=0.25)
    assert found.range.end == 60
    (sure,) = labels(label(0, "Dog", 100.00001))
    assert sure.confidence == 1


def test_text_is_read_by_lines() -> None:
    geometry = {"BoundingBox": BOX}
    rows = [
        {
            "Timestamp": 0,
            "TextDetection": {
                "Type": kind,
                "DetectedText": text,
                "Confidence": 99.0,
                "Geometry": geometry,
            },
        }
        for kind, text in (("LINE", "The end"), ("WORD", "The"), ("WORD", "end"))
    ]
    (found,) = markers("text", rows, "TextDetections")
    assert (found.kind, found.label) == ("text", "The end")


def test_face_has_a_box_and_no_name() -> None:
    row = {"Timestamp": 0, "Face": {"BoundingBox": BOX, "Confidence": 99.5}}
    (found,) = markers("face", [row], "Faces")
    assert (found.kind, found.label, found.confidence) == ("face", None, 0.995)
    assert found.box


def test_moderation_labels_last_as_long_as_they_are_found() -> None:
    rows = [
        {"Timestamp": n * 500, "ModerationLabel": {"Name": "Alcohol", "Confidence": 60.0}}
        for n in range(4)
    ]
    (found,) = markers("moderation", rows, "ModerationLabels")
    assert (found.label, found.range.end) == ("Alcohol", 2)


def test_unordered_rows_give_the_same_markers() -> None:
    rows = [label(n * 500, f"L{n % 7}") for n in range(100)]
    assert labels(*rows[::-1]) == labels(*rows)


def test_rows_too_far_out_of_order_are_reported() -> None:
    rows = [label(n, "Dog") for n in range(pages.HELD + 2)]
    with pytest.raises(ProviderError, match="no order"):
        labels(*rows, label(0, "Cat"))
