"""The vendor's plugins pass the conformance suites."""

from collections.abc import Callable, Iterator

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


class _Confusing:
    """With a vendor that can be made to answer for another job."""

    @pytest.fixture
    def confused(self, vendor: Vendor) -> Callable[[str], None]:
        return lambda job: setattr(vendor, "confused", True)


class TestShotsWithToken(_Confusing, TemporalConformance):
    @pytest.fixture
    def plugin(self, vendor: Vendor) -> VendorShots:
        return VendorShots(VendorOptions(url=vendor.url))


class TestShotsWithoutToken(_Confusing, TemporalConformance):
    @pytest.fixture
    def plugin(self, vendor: Vendor) -> VendorShots:
        return VendorShots(VendorOptions(url=vendor.url, token=False))


class TestSightsByThreeOperations(_Confusing, TemporalConformance):
    @pytest.fixture
    def plugin(self, vendor: Vendor) -> VendorSights:
        return VendorSights(SightOptions(url=vendor.url))


class TestSpeech(_Confusing, TranscriptionConformance):
    @pytest.fixture
    def plugin(self, vendor: Vendor) -> VendorSpeech:
        return VendorSpeech(VendorOptions(url=vendor.url))
