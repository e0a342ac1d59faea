"""The plugin passes the suite that every plugin passes, against the double."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from video_pipeline.plugins.conformance import Sample, TemporalConformance, drawn_sample
from video_pipeline.testing import Double, Fault
from video_pipeline_tests.providers.aws.rekognition.conftest import Stored
from video_pipeline_tests.providers.aws.rekognition.rekognising import plugin


class TestRekognition(TemporalConformance):
    @pytest.fixture
    def plugin(self, double: Double) -> Any:
        return plugin(double.endpoint)

    @pytest.fixture
    def sample(self, plugin: Any, tmp_path: Path, versioned: Stored) -> Sample:
        return replace(drawn_sample(tmp_path, None), inputs=versioned.inputs)

    @pytest.fixture
    def confused(self, double: Double) -> Callable[[str], None]:
        return lambda job: double.inject(Fault(what="foreign_answer", operation="Get*"))
