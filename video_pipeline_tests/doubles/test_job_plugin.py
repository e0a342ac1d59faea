"""The vendor's plugins pass the conformance suites."""

from collections.abc import Iterator

import pytest

from video_pipeline.plugins.conformance import TemporalConformance, TranscriptionConformance
from video_pipeline_tests.doubles.job_plugin import (
    SightOptions,
    VendorOptions,
    VendorShots,
    VendorSights,
    VendorSpeech,
)
from video_pipeline_tests.doubles.vendor import Vendor


@pytest.fixture(params=["soon", "now"])
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    """Takes a job, or answers at once."""
    with Vendor(request.param) as vendor:
        yield vendor


class TestShotsWithToken(TemporalConformance):
    @pytest.fixture
    def plugin(self, vendor: Vendor) -> VendorShots:
        return VendorShots(VendorOptions(url=vendor.url))


class TestShotsWithoutToken(TemporalConformance):
    @pytest.fixture
    def plugin(self, vendor: Vendor) -> VendorShots:
        return VendorShots(VendorOptions(url=vendor.url, token=False))


class TestSightsByThreeOperations(TemporalConformance):
    @pytest.fixture
    def plugin(self, vendor: Vendor) -> VendorSights:
        return VendorSights(SightOptions(url=vendor.url))


class TestSpeech(TranscriptionConformance):
    @pytest.fixture
    def plugin(self, vendor: Vendor) -> VendorSpeech:
        return VendorSpeech(VendorOptions(url=vendor.url))
