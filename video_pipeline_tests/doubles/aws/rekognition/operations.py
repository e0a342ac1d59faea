"""The five operations: their names, the members of their replies, and what makes their rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from video_pipeline_tests.doubles.aws.rekognition import labels, segments, sights
from video_pipeline_tests.doubles.aws.rekognition.content import VideoContent
from video_pipeline_tests.doubles.aws.rekognition.rows import Rows, listed

Make = Callable[[str, VideoContent, dict[str, Any], dict[str, Any]], Rows]


@dataclass(frozen=True)
class Analysis:
    """One kind of job."""

    name: str
    """Without its verb: `LabelDetection` of `StartLabelDetection`."""
    constant: str
    """Its name in one of the two spellings of an event, such as `LABEL_DETECTION`."""
    rows: str
    """The member of a Get's reply that contains the rows."""
    version: str
    """The member with the model's version, empty if there is none."""
    make: Make


def _segments(
    seed: str, content: VideoContent, request: dict[str, Any], view: dict[str, Any]
) -> Rows:
    return segments.segments(seed, content, request)


SEGMENTS = Analysis("SegmentDetection", "SEGMENT_DETECTION", "Segments", "", _segments)
ANALYSES = {
    found.name: found
    for found in (
        SEGMENTS,
        Analysis("LabelDetection", "LABEL_DETECTION", "Labels", "LabelModelVersion", labels.labels),
        Analysis(
            "TextDetection", "TEXT_DETECTION", "TextDetections", "TextModelVersion", sights.text
        ),
        Analysis("FaceDetection", "FACE_DETECTION", "Faces", "", sights.faces),
        Analysis(
            "ContentModeration",
            "CONTENT_MODERATION",
            "ModerationLabels",
            "ModerationModelVersion",
            sights.moderation,
        ),
    )
}


def rows_of(
    analysis: Analysis,
    seed: str,
    content: VideoContent,
    request: dict[str, Any],
    view: dict[str, Any],
) -> Rows:
    """Return the rows of a job: those that the test gave, or else rows made from the seed."""
    given = content.given.get(analysis.name)
    if given is None:
        return analysis.make(seed, content, request, view)
    if analysis is SEGMENTS:
        kinds = request["SegmentTypes"]
        given = [row for kind in kinds for row in given if row.get("Type") == kind]
    return listed(given)


def meters(analysis: Analysis, request: dict[str, Any]) -> list[str]:
    """Return the meters of a job. Segment types have separate prices, so each is a meter."""
    if analysis is SEGMENTS:
        return [f"{analysis.name}/{kind}" for kind in sorted(set(request["SegmentTypes"]))]
    return [analysis.name]
