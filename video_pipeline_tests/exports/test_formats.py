"""What every format has."""

import io

import pytest

from video_pipeline.domain.results.timeline import Timeline
from video_pipeline.exports import FORMATS, Format


def test_names_are_unique() -> None:
    names = [one.NAME for one in FORMATS]
    assert names == ["timeline.json", "captions.vtt"]


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.NAME)
def test_a_format_writes_bytes_and_has_a_media_type(one: Format, timeline: Timeline) -> None:
    into = io.BytesIO()
    one.write(timeline, into)
    assert into.getvalue().endswith(b"\n")
    assert "/" in one.MEDIA_TYPE
