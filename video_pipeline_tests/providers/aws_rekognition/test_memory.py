"""Results of any length take the memory of a few pages, from the wire to the markers."""

import tracemalloc
from collections.abc import Iterator

import pytest

from video_pipeline.providers.aws_rekognition.plugin import RekognitionPlugin
from video_pipeline.testing import Double
from video_pipeline_tests.providers.aws_rekognition.conftest import Stored
from video_pipeline_tests.providers.aws_rekognition.rekognising import media, plugin, unit

_FEW, _MANY = 20_000, 300_000


def page(first: int, kind: str) -> bytes:
    """A thousand rows: seven labels in each picture, each for ten pictures."""

    def label(number: int) -> str:
        moment = number // 7 * 500
        box = '{"Left":0.1,"Top":0.1,"Width":0.2,"Height":0.2}'
        instances = f'[{{"BoundingBox":{box},"Confidence":91.5}}]' if kind == "object" else "[]"
        name = f"Label {number % 7} {number // 70}"
        told = f'{{"Name":"{name}","Confidence":91.5,"Instances":{instances},"Parents":[]}}'
        return f'{{"Timestamp":{moment},"Label":{told}}}'

    rows = ",".join(map(label, range(first, first + 1000)))
    return f'{{"JobStatus":"SUCCEEDED","Labels":[{rows}]}}'.encode()


def peak(made: RekognitionPlugin, rows: int, kind: str) -> tuple[int, int]:
    of = media(6 * 3600)
    planned = unit(made, "label", of)
    request = planned.request.model_copy(update={"kinds": ("label", "object")})
    pages: Iterator[bytes] = (page(first, kind) for first in range(0, rows, 1000))
    tracemalloc.start()
    try:
        count = sum(1 for _ in made.normalise(request, of, pages))
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("kind", "markers"), [("object", _MANY), ("label", _MANY // 10)])
def test_300_000_rows_take_no_more_memory_than_20_000(kind: str, markers: int) -> None:
    made = plugin()
    _, few = peak(made, _FEW, kind)
    count, many = peak(made, _MANY, kind)
    assert abs(count - markers) <= 7
    assert many < few * 1.2


def test_pages_are_fetched_one_by_one(double: Double, versioned: Stored) -> None:
    double.configure(otherwise={"rows": 30_000, "duration": "3600"}, running_seconds=0)
    made = plugin(double.endpoint)
    job = made.submit(unit(made, "label"), media(), versioned.inputs).job
    assert job
    while made.poll([job])[job].state == "running":
        pass
    reading = made.fetch(job)
    first = next(reading)
    asked = double.books()["calls"]["GetLabelDetection"]["taken"]
    assert first and asked <= 4
    assert sum(1 for _ in reading) == 29
