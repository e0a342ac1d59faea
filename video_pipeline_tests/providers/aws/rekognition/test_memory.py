"""Results of any length take the memory of a few pages, from the wire to the markers.

With 300,000 rows it is measured by benchmarks/rekognition_results.py.
"""

import tracemalloc

import pytest

from video_pipeline.providers.aws.rekognition.plugin import RekognitionPlugin
from video_pipeline.testing import Double
from video_pipeline_tests.providers.aws.rekognition.conftest import Stored
from video_pipeline_tests.providers.aws.rekognition.long_results import Sort, pages
from video_pipeline_tests.providers.aws.rekognition.rekognising import media, plugin, unit

_FEW, _MANY = 3_300, 7_700


def peak(made: RekognitionPlugin, rows: int, sort: Sort) -> tuple[int, int]:
    """How many markers there are, and the most bytes that were held."""
    of = media(6 * 3600)
    request = unit(made, "label", of).request.model_copy(update={"kinds": ("label", "object")})
    tracemalloc.start()
    try:
        count = sum(1 for _ in made.normalise(request, of, pages(rows, sort)))
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("sort", "markers"), [("objects", _MANY), ("labels", _MANY // 10), ("always", _MANY // 7 * 6)]
)
def test_more_than_twice_the_rows_take_no_more_memory(sort: Sort, markers: int) -> None:
    made = plugin()
    _, few = peak(made, _FEW, sort)
    count, many = peak(made, _MANY, sort)
    assert abs(count - markers) <= 14
    assert many < few * 1.2


def test_pages_are_fetched_lazily(double: Double, versioned: Stored) -> None:
    double.configure(otherwise={"rows": 6_000, "duration": "3600"}, running_seconds=0)
    made = plugin(double.endpoint)
    job = made.submit(unit(made, "label"), media(), versioned.inputs).job
    assert job
    while made.poll([job])[job].state == "running":
        pass
    reading = made.fetch(job)
    first = next(reading)
    asked = double.books()["calls"]["GetLabelDetection"]["taken"]
    assert first and asked <= 4
    assert sum(1 for _ in reading) == 5
