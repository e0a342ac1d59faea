"""A proxy passes requests on, and makes the faults of the line."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ResponseStreamingError

from video_pipeline.testing import Fault
from video_pipeline.testing.double import client
from video_pipeline.testing.proxy import proxying
from video_pipeline_tests.servers.buckets import MadeBucket


def test_proxy_passes_on_until_it_makes_a_fault(moto_bucket: MadeBucket) -> None:
    with proxying(moto_bucket.server.endpoint) as proxy:
        s3 = client("s3", proxy.endpoint, s3={"addressing_style": "path"})
        place: Any = {"Bucket": moto_bucket.name, "Key": "a b+é.json"}
        s3.put_object(**place, Body=b"content")
        assert s3.head_object(**place)["ContentLength"] == 7
        proxy.inject(Fault(what="reset", operation="GET", video="*/a b+é.json"))
        with pytest.raises(ResponseStreamingError):
            s3.get_object(**place)["Body"].read()
        proxy.inject(Fault(what="slow_down", operation="GET"))
        with pytest.raises(ClientError, match="SlowDown"):
            s3.get_object(**place)
        assert s3.get_object(**place)["Body"].read() == b"content"
