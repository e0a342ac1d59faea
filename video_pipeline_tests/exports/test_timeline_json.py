"""timeline.json: exact, self-consistent, and as its published schema says."""

import io
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from video_pipeline.domain.results.timeline import Timeline
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.exports import timeline_json


def _bytes(timeline: Timeline) -> bytes:
    into = io.BytesIO()
    timeline_json.write(timeline, into)
    return into.getvalue()


def _document(timeline: Timeline) -> Any:
    return json.loads(_bytes(timeline))


@pytest.fixture
def published() -> Draft202012Validator:
    schema = json.loads(timeline_json.SCHEMA_FILE.read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_published_schema_is_the_current_one() -> None:
    current = json.dumps(timeline_json.schema(), indent=2) + "\n"
    assert timeline_json.SCHEMA_FILE.read_text() == current, (
        "Write it again by `python -m video_pipeline.exports.timeline_json`, and raise "
        "SCHEMA_VERSION if a reader of the old document could fail on the new one."
    )


def test_documents_match_the_published_schema(
    timeline: Timeline, published: Draft202012Validator
) -> None:
    published.validate(_document(timeline))
    published.validate(_document(timeline.model_copy(update={"transcript": Transcript()})))


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("markers", 0, "range", "start"), 0.1, "times are exact"),
        (("markers", 0, "range", "start"), "0.1", "times are rationals"),
        (("markers", 0, "range", "start_seconds"), "0", "seconds are numbers"),
        (("markers", 0, "confidence"), 2, "a confidence is at most 1"),
        (("phases", 0, "state"), "odd", "states are known"),
        (("schema_version",), 2, "another version has another schema"),
        (("surprise",), 1, "nothing comes unannounced"),
    ],
)
def test_the_schema_refuses_other_documents(
    timeline: Timeline,
    published: Draft202012Validator,
    path: tuple[str | int, ...],
    value: object,
    why: str,
) -> None:
    document = _document(timeline)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ValidationError):
        published.validate(document)


def test_each_range_is_exact_and_has_seconds_beside(timeline: Timeline) -> None:
    document = _document(timeline)
    frame = {
        "start": "1001/30000",
        "end": "1001/1000",
        "start_seconds": 1001 / 30000,
        "end_seconds": 1.001,
    }
    assert document["markers"][1]["range"] == frame
    segment = document["transcript"]["segments"][0]
    third = {"start": "1/3", "end": "2/3", "start_seconds": 1 / 3, "end_seconds": 2 / 3}
    assert segment["range"] == segment["words"][0]["range"] == third


def test_without_the_seconds_it_is_the_timeline_itself(timeline: Timeline) -> None:
    document = _document(timeline)
    spoken = document["transcript"]["segments"]
    words = [word for segment in spoken for word in segment["words"]]
    for row in (*document["markers"], *spoken, *words):
        del row["range"]["start_seconds"], row["range"]["end_seconds"]
    assert Timeline.model_validate(document) == timeline


def test_text_is_utf_8_and_readable(timeline: Timeline) -> None:
    assert "Intro – 映像".encode() in _bytes(timeline)


def test_the_same_timeline_gives_the_same_bytes(timeline: Timeline) -> None:
    again = Timeline.model_validate_json(timeline.model_dump_json())
    assert _bytes(again) == _bytes(timeline)
    keys = [key for key, _ in json.loads(_bytes(timeline), object_pairs_hook=list)]
    assert keys == sorted(keys)
