"""The fixtures of the pipeline's tests, for stories that span many modules."""

from video_pipeline_tests.pipeline.conftest import (
    choosing,
    cloud,
    deliver,
    long_video,
    services,
    short_video,
    vendor,
)

__all__ = ["choosing", "cloud", "deliver", "long_video", "services", "short_video", "vendor"]
