"""Tests of reading a result whose pages have no end."""

import json
from itertools import cycle
from typing import Any

import pytest

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.providers.aws.rekognition.analyses import BY_START
from video_pipeline.providers.aws.rekognition.results import Pages


class Circle:
    """A service whose page tokens lead back to earlier pages."""

    def __init__(self, *tokens: str) -> None:
        self._tokens, self.asked = cycle(tokens), 0

    def get_text_detection(self, **_: Any) -> dict[str, Any]:
        self.asked += 1
        token = next(self._tokens)
        page = {"JobStatus": "SUCCEEDED", "TextDetections": [{"n": self.asked}]}
        body = json.dumps(page).encode()
        return {**page, "NextToken": token, "ResponseMetadata": {"Body": body}}


@pytest.mark.parametrize("tokens", [["a"], ["a", "b", "c"]], ids=["same", "circle"])
def test_result_that_repeats_a_page_token_is_read_later(tokens: list[str]) -> None:
    client = Circle(*tokens)
    pages = Pages(client, BY_START["StartTextDetection"], "1", "job 1", lambda _: None)
    with pytest.raises(ProviderError, match="does not end") as raised:
        list(pages.read())
    assert raised.value.category is FailureCategory.TRANSIENT
    assert client.asked == len(tokens) + 1
