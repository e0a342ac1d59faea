"""Pages in AWS's console: where they are, and where there is none."""

from typing import Any

import boto3
import pytest

from video_pipeline.aws.console import object_page


def client(region: str, endpoint: str | None = None) -> Any:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    return boto3.client("s3", region_name=region, endpoint_url=endpoint, **keys)


@pytest.mark.parametrize(
    ("region", "console"),
    [
        ("us-east-1", "console.aws.amazon.com"),
        ("eu-central-1", "console.aws.amazon.com"),
        ("cn-north-1", "console.amazonaws.cn"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_page_is_in_the_console_of_the_region(region: str, console: str) -> None:
    page = object_page(client(region), "videos", "a b/ü&(x).mp4")
    prefix = "a%20b%2F%C3%BC%26%28x%29.mp4"
    assert page == f"https://{console}/s3/object/videos?region={region}&prefix={prefix}"


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:9000", "https://amazonaws.com.example", "https://s3.example"]
)
def test_other_store_has_no_page(endpoint: str) -> None:
    assert object_page(client("us-east-1", endpoint), "videos", "a.mp4") is None
