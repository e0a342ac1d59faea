"""Shorthands for a client's requests to Rekognition."""

import time
from typing import Any

STARTS: dict[str, dict[str, Any]] = {
    "segment_detection": {"SegmentTypes": ["SHOT", "TECHNICAL_CUE"]},
    "label_detection": {},
    "text_detection": {},
    "face_detection": {},
    "content_moderation": {},
}
"""The operations as a client spells them, each with its required parameters besides the video."""
ROWS = {
    "segment_detection": "Segments",
    "label_detection": "Labels",
    "text_detection": "TextDetections",
    "face_detection": "Faces",
    "content_moderation": "ModerationLabels",
}
PATIENCE_SECONDS = 10


def video(key: str = "a/b.mp4") -> dict[str, Any]:
    return {"S3Object": {"Bucket": "videos", "Name": key}}


def start(client: Any, name: str = "label_detection", key: str = "a/b.mp4", **more: Any) -> str:
    asked = {"Video": video(key), **STARTS[name], **more}
    return getattr(client, f"start_{name}")(**asked)["JobId"]


def get(client: Any, job: str, name: str = "label_detection", **more: Any) -> dict[str, Any]:
    return getattr(client, f"get_{name}")(JobId=job, **more)


def ended(client: Any, job: str, name: str = "label_detection", **more: Any) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE_SECONDS
    while (told := get(client, job, name, **more))["JobStatus"] == "IN_PROGRESS":
        assert time.monotonic() < until, "the job does not end"
        time.sleep(0.01)
    return told


def all_rows(client: Any, job: str, name: str = "label_detection", **more: Any) -> list[Any]:
    page = ended(client, job, name, **more)
    rows = list(page[ROWS[name]])
    while "NextToken" in page:
        page = get(client, job, name, NextToken=page["NextToken"], **more)
        rows += page[ROWS[name]]
    return rows
