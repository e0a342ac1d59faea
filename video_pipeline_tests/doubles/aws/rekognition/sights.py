"""Rows of text, face and moderation detection, at two samples a second."""

from typing import Any

from video_pipeline_tests.doubles.aws.rekognition.content import VideoContent
from video_pipeline_tests.doubles.aws.rekognition.labels import box, by_name, stretch
from video_pipeline_tests.doubles.aws.rekognition.rows import Row, Rows, chance, confidence

_SCENE_SAMPLES = 20
_MODERATED_EVERY = 10
_MODERATION = (
    ("Violence", "", 1),
    ("Weapons", "Violence", 2),
    ("Alcohol", "", 1),
    ("Alcohol Use", "Alcohol", 2),
)
_MODERATION_LEAST = 50


def text(seed: str, content: VideoContent, request: dict[str, Any], view: dict[str, Any]) -> Rows:
    """Return rows of text: in each sample a line of two words, then each of its words."""
    least = request.get("Filters", {}).get("WordFilter", {}).get("MinConfidence", 50)
    count = content.samples * 3 if content.rows is None else content.rows
    each = -(-count // content.samples) or 1

    def row(number: int) -> Row:
        sample, part = divmod(number, each)
        line, place = divmod(part, 3)
        said = f"SCENE {sample // _SCENE_SAMPLES + 1}"
        found: Row = {
            "DetectedText": said if place == 0 else said.split()[place - 1],
            "Type": "LINE" if place == 0 else "WORD",
            "Id": part,
            "Confidence": confidence(least, seed, "text", number),
            "Geometry": _geometry(0.1 + 0.3 * max(0, place - 1), 0.9 - 0.002 * line),
        }
        if place:
            found["ParentId"] = line * 3
        return {"Timestamp": sample * 500, "TextDetection": found}

    return Rows(count, row)


def _geometry(left: float, top: float) -> Row:
    width, height = 0.25, 0.05
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    return {
        "BoundingBox": {"Width": width, "Height": height, "Left": left, "Top": top},
        "Polygon": [{"X": x, "Y": y} for x, y in corners],
    }


def faces(seed: str, content: VideoContent, request: dict[str, Any], view: dict[str, Any]) -> Rows:
    """Return rows of faces, one in each sample. `FaceAttributes: ALL` adds their attributes."""
    count = content.samples if content.rows is None else content.rows
    each = -(-count // content.samples) or 1
    everything = request.get("FaceAttributes") == "ALL"

    def row(number: int) -> Row:
        sample, which = divmod(number, each)
        face = {
            "BoundingBox": box(seed, f"face{which}", sample),
            "Confidence": confidence(90, seed, "face", number),
            "Landmarks": [{"Type": "nose", "X": 0.5, "Y": 0.5}],
            "Pose": {"Roll": 1.5, "Yaw": round(60 * chance(seed, which) - 30, 3), "Pitch": -4.0},
            "Quality": {"Brightness": 70.0, "Sharpness": 90.0},
        }
        return {"Timestamp": sample * 500, "Face": face | (_looks() if everything else {})}

    return Rows(count, row)


def _looks() -> Row:
    def held(value: bool) -> Row:
        return {"Value": value, "Confidence": 97.5}

    return {
        "AgeRange": {"Low": 26, "High": 36},
        "Smile": held(True),
        "Eyeglasses": held(False),
        "EyesOpen": held(True),
        "MouthOpen": held(False),
        "FaceOccluded": held(False),
        "Emotions": [{"Type": "HAPPY", "Confidence": 92.0}, {"Type": "CALM", "Confidence": 6.0}],
    }


def moderation(
    seed: str, content: VideoContent, request: dict[str, Any], view: dict[str, Any]
) -> Rows:
    """Return rows of moderation: a label and its parent every 5 s, by sample or by segment."""
    least = request.get("MinConfidence", _MODERATION_LEAST)
    found = max(1, content.samples // _MODERATED_EVERY)
    count = found * 2 if content.rows is None else content.rows
    by_segment = view.get("AggregateBy") == "SEGMENTS"

    def row(number: int) -> Row:
        name, parent, level = _MODERATION[number % len(_MODERATION)]
        start = number // 2 * _MODERATED_EVERY * 500 % max(500, content.milliseconds)
        label = {
            "Name": name,
            "ParentName": parent,
            "TaxonomyLevel": level,
            "Confidence": confidence(least, seed, "moderation", number),
        }
        end = min(start + 2500, content.milliseconds)
        return {"Timestamp": start, "ModerationLabel": label} | (
            stretch(start, max(start, end)) if by_segment else {}
        )

    rows = Rows(count, row)
    return by_name(rows, "ModerationLabel") if view.get("SortBy") == "NAME" else rows
