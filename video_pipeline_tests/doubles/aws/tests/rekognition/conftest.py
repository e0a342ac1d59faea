"""A double of Rekognition for each test, with clients of two accounts."""

from collections.abc import Iterator
from typing import Any

import pytest

from video_pipeline.testing import Double, serving
from video_pipeline_tests.doubles.aws.rekognition import Rekognition, Settings


@pytest.fixture
def double() -> Iterator[Double]:
    with serving(Rekognition(Settings(running_seconds=0))) as started:
        yield started


@pytest.fixture
def client(double: Double) -> Any:
    return double.client("rekognition", account="111111111111")


@pytest.fixture
def other(double: Double) -> Any:
    return double.client("rekognition", account="222222222222")
