"""The timeline as a JSON document, and its JSON Schema.

The document is the domain's value, with floats beside the exact times of each range. The schema
is published as timeline.schema.json beside this module.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from video_pipeline.domain.results.timeline import SCHEMA_VERSION, Timeline
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.time import TimeRange

NAME = "timeline.json"
MEDIA_TYPE = "application/json"
# Written by `python -m video_pipeline.exports.timeline_json`.
SCHEMA_FILE = Path(__file__).with_name("timeline.schema.json")


def write(timeline: Timeline, into: BinaryIO) -> None:
    """Write the document in UTF-8 with sorted keys."""
    document: dict[str, Any] = timeline.model_dump(mode="json")
    _add_seconds(document["markers"], (marker.range for marker in timeline.markers))
    _add_seconds_to_speech(document["transcript"]["segments"], timeline.transcript)
    for row, phase in zip(document["phases"], timeline.phases, strict=True):
        placed = [one for one in row.get("findings", ()) if one["range"]]
        _add_seconds(placed, (one.range for one in phase.findings if one.range))
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True)
    into.write(text.encode() + b"\n")


def _add_seconds_to_speech(segments: list[dict[str, Any]], transcript: Transcript) -> None:
    _add_seconds(segments, (segment.range for segment in transcript.segments))
    words = (word for segment in segments for word in segment["words"])
    _add_seconds(words, (word.range for word in transcript.words))


def _add_seconds(rows: Iterable[dict[str, Any]], ranges: Iterable[TimeRange]) -> None:
    for row, exact in zip(rows, ranges, strict=True):
        row["range"]["start_seconds"] = float(exact.start)
        row["range"]["end_seconds"] = float(exact.end)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the document."""
    described = Timeline.model_json_schema(mode="serialization")
    described["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    described["required"].append("schema_version")
    _describe_seconds(described["$defs"]["TimeRange"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:video-pipeline:timeline:{SCHEMA_VERSION}",
        **described,
    }


def _describe_seconds(time_range: dict[str, Any]) -> None:
    for exact in ("start", "end"):
        name = f"{exact}_seconds"
        time_range["required"].append(name)
        time_range["properties"][name] = {
            "type": "number",
            "title": name.replace("_", " ").title(),
            "description": f"`{exact}` as the nearest floating-point number.",
        }


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json.dumps(schema(), indent=2) + "\n")
