"""Pages: their size, their tokens, what each repeats, and how the rows are seen."""

import itertools
import tracemalloc
from fractions import Fraction
from typing import Any

import pytest
from botocore.exceptions import ClientError

from video_pipeline.domain.time import FrameRate, Timecode
from video_pipeline.testing import Double
from video_pipeline_tests.doubles.aws.rekognition.content import VideoContent
from video_pipeline_tests.doubles.aws.rekognition.operations import ANALYSES, rows_of
from video_pipeline_tests.doubles.aws.tests.rekognition.asking import (
    ROWS,
    STARTS,
    all_rows,
    ended,
    get,
    start,
)

DAY_SECONDS = 86_400


def of(double: Double, **content: Any) -> None:
    double.configure(videos={"*": content})


@pytest.mark.parametrize("name", STARTS)
def test_pages_hold_a_thousand_rows_and_repeat_the_metadata(
    double: Double, client: Any, name: str
) -> None:
    of(double, duration="7200", rows=2500)
    page = ended(client, job := start(client, name), name, MaxResults=5000)
    sizes = [len(page[ROWS[name]])]
    while "NextToken" in page:
        page = get(client, job, name, NextToken=page["NextToken"])
        sizes.append(len(page[ROWS[name]]))
        metadata = page["VideoMetadata"]
        first = metadata[0] if name == "segment_detection" else metadata
        assert first["DurationMillis"] == 7_200_000
    more = 5 if name == "segment_detection" else 0  # the technical cues
    assert sizes == [1000, 1000, 500 + more]


def test_the_same_video_gives_the_same_rows(client: Any) -> None:
    first, second = (all_rows(client, start(client)) for _ in range(2))
    assert first == second
    assert first != all_rows(client, start(client, key="other.mp4"))


def test_page_token_is_bound_to_a_job_and_expires(double: Double, client: Any) -> None:
    of(double, rows=1500)
    job, other = start(client), start(client)
    token = ended(client, job)["NextToken"]
    ended(client, other)
    wrong = [(other, {}), (job, {"SortBy": "NAME"}), (job, {"NextToken": "nonsense"})]
    for asked, more in wrong:
        with pytest.raises(ClientError, match="InvalidPaginationToken"):
            get(client, asked, **{"NextToken": token, **more})
    assert len(get(client, job, NextToken=token)["Labels"]) == 500
    double.advance(DAY_SECONDS + 60)
    with pytest.raises(ClientError, match="InvalidPaginationToken"):
        get(client, job, NextToken=token)
    assert len(all_rows(client, job)) == 1500


def test_shots_end_at_their_last_frame_and_cues_at_the_next(client: Any) -> None:
    rows = all_rows(client, start(client, "segment_detection"), "segment_detection")
    shots = [row for row in rows if row["Type"] == "SHOT"]
    cues = [row for row in rows if row["Type"] == "TECHNICAL_CUE"]
    assert [row["Type"] for row in rows] == ["SHOT"] * len(shots) + ["TECHNICAL_CUE"] * len(cues)
    for one, then in itertools.pairwise(shots):
        assert one["EndFrameNumber"] + 1 == then["StartFrameNumber"]
    for one, then in itertools.pairwise(cues):
        assert one["EndFrameNumber"] == then["StartFrameNumber"]
    assert (shots[-1]["EndFrameNumber"], cues[-1]["EndFrameNumber"]) == (1499, 1500)


def test_segment_types_are_honoured(client: Any) -> None:
    job = start(client, "segment_detection", SegmentTypes=["TECHNICAL_CUE"])
    told = ended(client, job, "segment_detection")
    assert {row["Type"] for row in told["Segments"]} == {"TECHNICAL_CUE"}
    assert [kind["Type"] for kind in told["SelectedSegmentTypes"]] == ["TECHNICAL_CUE"]


def test_drop_frame_timecodes_name_their_frames(double: Double, client: Any) -> None:
    of(double, duration="700", frames_per_second="30000/1001", drop_frame=True)
    rate = FrameRate(per_second=Fraction(30000, 1001))
    rows = all_rows(client, start(client, "segment_detection"), "segment_detection")
    for row in rows:
        code = Timecode.parse(row["StartTimecodeSMPTE"], rate)
        assert (code.frames, code.drop_frame) == (row["StartFrameNumber"], True)


@pytest.mark.parametrize("name", ["label_detection", "content_moderation"])
def test_rows_by_segment_have_ends_and_rows_by_sample_have_none(client: Any, name: str) -> None:
    job = start(client, name)
    assert all("EndTimestampMillis" not in row for row in all_rows(client, job, name))
    for row in all_rows(client, job, name, AggregateBy="SEGMENTS"):
        assert row["Timestamp"] == row["StartTimestampMillis"] < row["EndTimestampMillis"]
        assert not row.get("Label", {}).get("Instances")


def test_rows_by_name_are_grouped_and_their_confidence_falls(client: Any) -> None:
    job = start(client)
    by_name = [row["Label"] for row in all_rows(client, job, SortBy="NAME")]
    keys = [(label["Name"], -label["Confidence"]) for label in by_name]
    assert keys == sorted(keys)
    assert len(by_name) == len(all_rows(client, job))


def test_filters_are_honoured(client: Any) -> None:
    only = {"GeneralLabels": {"LabelInclusionFilters": ["Dog"]}}
    labels = all_rows(client, start(client, MinConfidence=95, Settings=only))
    assert {row["Label"]["Name"] for row in labels} == {"Dog"}
    assert min(row["Label"]["Confidence"] for row in labels) >= 95


def test_boxes_overlap_with_themselves_half_a_second_later(client: Any) -> None:
    rows = all_rows(client, start(client, "face_detection"), "face_detection")
    boxes = [row["Face"]["BoundingBox"] for row in rows]
    for one, then in itertools.pairwise(boxes):
        assert abs(one["Left"] - then["Left"]) < one["Width"] / 4
    assert [row["Timestamp"] for row in rows[:3]] == [0, 500, 1000]


def test_configured_rows_are_returned_unchanged(double: Double, client: Any) -> None:
    row = {"Timestamp": 40, "Label": {"Name": "Violin", "Confidence": 77.5}}
    of(double, given={"LabelDetection": [row]})
    assert all_rows(client, start(client)) == [row]


def test_invalid_rows_are_not_served(double: Double, client: Any) -> None:
    of(double, given={"LabelDetection": [{"Timestamp": 40, "Label": {"Colour": "red"}}]})
    with pytest.raises(ClientError, match=r"DoubleIsWrong.*Unknown parameter"):
        ended(client, start(client))


@pytest.mark.parametrize("name", ["LabelDetection", "SegmentDetection"])
def test_300_000_rows_are_not_held(name: str) -> None:
    content = VideoContent(duration=Fraction(21_600), rows=300_000)
    tracemalloc.start()
    try:
        rows = rows_of(ANALYSES[name], "seed", content, {"SegmentTypes": ["SHOT"]}, {})
        for start_ in range(0, 300_000, 60_000):
            assert len(rows.part(start_, start_ + 1000)) == 1000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows.count == 300_000
    assert peak < 8_000_000
