"""Each fault, as a boto3 client that makes one attempt sees it, and what it leaves in the books."""

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    HTTPClientError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from video_pipeline.testing import Double, Fault, deaf
from video_pipeline.testing import client as client_of
from video_pipeline.testing.service_model import ServiceModel
from video_pipeline_tests.doubles.aws.rekognition.refusals import REFUSALS
from video_pipeline_tests.doubles.aws.tests.rekognition.asking import all_rows, ended, get, start

NOT_MODELLED = {
    *("unavailable", "credentials_expired", "credentials_unknown", "account_disabled"),
}
"""What any service of AWS says, so that no model does."""


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_is_the_vendors_and_bills_nothing(double: Double, client: Any, what: str) -> None:
    code, status, message = REFUSALS[what]
    operation = "Get*" if what in ("page_token_expired", "result_gone") else "Start*"
    job = start(client, key="other.mp4")
    double.inject(Fault(what=what, operation=operation))
    with pytest.raises(ClientError) as raised:
        start(client) if operation == "Start*" else get(client, job)
    told = raised.value.response
    assert (told["Error"]["Code"], told["Error"]["Message"]) == (code, message)
    assert told["ResponseMetadata"]["HTTPStatusCode"] == status
    assert [job["video"] for job in double.books()["jobs"]] == ["other.mp4"]
    modelled = ServiceModel("rekognition").errors(operation.replace("*", "LabelDetection"))
    assert (code in modelled) != (what in NOT_MODELLED)


def test_fault_affects_only_matching_calls(double: Double, client: Any) -> None:
    only = Fault(what="throttled", operation="StartLabelDetection", video="acme/*", times=2, skip=1)
    double.inject(only)
    start(client, "face_detection", "acme/a.mp4")
    start(client, key="beta/a.mp4")
    start(client, key="acme/a.mp4")
    for _ in range(2):
        with pytest.raises(ClientError, match="Rate exceeded"):
            start(client, key="acme/a.mp4")
    start(client, key="acme/a.mp4")
    assert [armed["hits"] for armed in double.faults()] == [2]


def test_fault_can_affect_every_third_call(double: Double, client: Any) -> None:
    double.inject(Fault(what="server_error", every=3, times=None))
    failed = 0
    for _ in range(9):
        try:
            start(client)
        except ClientError:
            failed += 1
    assert failed == 3
    double.clear_faults()
    start(client)


def test_a_fault_that_is_unknown_is_refused(double: Double) -> None:
    with pytest.raises(ValueError, match="'thunder' is none of"):
        double.inject(Fault(what="thunder"))


def test_hanging_connection_ends_at_the_client_timeout(double: Double) -> None:
    client = double.client("rekognition", read_timeout=0.2)
    double.inject(Fault(what="hangs"))
    with pytest.raises(ReadTimeoutError):
        start(client)
    assert double.books()["jobs"] == []


def test_silent_endpoint_ends_at_the_client_timeout() -> None:
    with deaf() as endpoint, pytest.raises(ConnectTimeoutError):
        start(client_of("rekognition", endpoint, connect_timeout=0.2))


@pytest.mark.parametrize("what", ["reply_lost", "reset"])
def test_dropped_connection_leaves_job_accepted_and_billed(
    double: Double, client: Any, what: str
) -> None:
    double.inject(Fault(what=what, operation="Start*"))
    with pytest.raises((ConnectionClosedError, ResponseStreamingError, HTTPClientError)):
        start(client, ClientRequestToken="unit-1")
    job = start(client, ClientRequestToken="unit-1")
    ended(client, job)
    books = double.books()
    assert ([job["JobId"] for job in books["jobs"]], books["replays"]) == ([job], 1)
    assert books["billed"] == {"LabelDetection": 1.0}


@pytest.mark.parametrize("what", ["truncated", "malformed"])
def test_botocore_reads_invalid_json_as_an_empty_reply(
    double: Double, client: Any, what: str
) -> None:
    double.inject(Fault(what=what, operation="Start*"))
    with pytest.raises(KeyError, match="JobId"):
        start(client)
    assert len(double.books()["jobs"]) == 1


def test_botocore_reads_a_gateway_page_as_an_empty_reply(double: Double, client: Any) -> None:
    double.inject(Fault(what="gateway_page"))
    with pytest.raises(KeyError, match="JobId"):
        start(client)
    assert double.books()["jobs"] == []


def test_a_page_of_results_that_is_cut_has_no_status(double: Double, client: Any) -> None:
    job = start(client)
    ended(client, job)
    double.inject(Fault(what="truncated", operation="Get*"))
    assert "JobStatus" not in get(client, job)
    assert get(client, job)["JobStatus"] == "SUCCEEDED"


def test_a_job_fails_with_its_reason_and_is_not_billed(double: Double, client: Any) -> None:
    double.inject(Fault(what="job_failed", reason="The codec is not supported."))
    told = ended(client, start(client))
    assert (told["JobStatus"], told["StatusMessage"]) == ("FAILED", "The codec is not supported.")
    assert double.books()["billed"] == {}


def test_job_without_end_keeps_its_slot(double: Double, client: Any) -> None:
    double.configure(concurrent=1)
    double.inject(Fault(what="never_ends"))
    job = start(client)
    double.advance(1_000_000)
    assert get(client, job)["JobStatus"] == "IN_PROGRESS"
    with pytest.raises(ClientError, match="LimitExceeded"):
        start(client)


def test_job_can_succeed_without_rows(double: Double, client: Any) -> None:
    double.inject(Fault(what="no_rows"))
    told = ended(client, start(client, "segment_detection"), "segment_detection")
    assert (told["JobStatus"], told["Segments"]) == ("SUCCEEDED", [])
    assert told["VideoMetadata"][0]["DurationMillis"] == 60_000


def test_a_token_may_expire_in_the_middle_of_a_read(double: Double, client: Any) -> None:
    double.configure(videos={"*": {"rows": 2500}})
    double.inject(Fault(what="page_token_expired", operation="GetLabelDetection", skip=2))
    job = start(client)
    double.advance(1)
    with pytest.raises(ClientError, match="InvalidPaginationToken"):
        all_rows(client, job)
    assert len(all_rows(client, job)) == 2500


def test_fault_can_affect_later_pages_only(double: Double, client: Any) -> None:
    double.configure(videos={"*": {"rows": 2500}})
    double.inject(Fault(what="page_token_expired", operation="Get*", later_pages=True))
    job = start(client)
    double.advance(1)
    first = get(client, job)
    with pytest.raises(ClientError, match="InvalidPaginationToken"):
        get(client, job, NextToken=first["NextToken"])
    assert len(all_rows(client, job)) == 2500


def test_rows_may_come_in_no_order(double: Double, client: Any) -> None:
    double.inject(Fault(what="unordered_rows"))
    bent, straight = (all_rows(client, start(client)) for _ in range(2))
    assert bent != straight
    assert sorted(map(str, bent)) == sorted(map(str, straight))


@pytest.mark.parametrize(
    ("what", "length"), [("zero_durations", lambda was: 0), ("overlaps", lambda was: was + 10)]
)
def test_every_fifth_interval_may_be_bent(
    double: Double, client: Any, what: str, length: Any
) -> None:
    double.inject(Fault(what=what))
    kinds = {"SegmentTypes": ["SHOT"]}
    bent, straight = (
        all_rows(client, start(client, "segment_detection", **kinds), "segment_detection")
        for _ in range(2)
    )
    for number, (row, was) in enumerate(zip(bent, straight, strict=True)):
        expected = length(was["DurationFrames"]) if number % 5 == 0 else was["DurationFrames"]
        assert row["DurationFrames"] == expected


def test_a_rate_may_vary_and_frames_may_be_dropped(double: Double, client: Any) -> None:
    double.inject(Fault(what="variable_rate", video="vary.mp4"))
    double.inject(Fault(what="drop_frame", video="drop.mp4"))
    vary, drop = (
        all_rows(client, start(client, "segment_detection", key), "segment_detection")
        for key in ("vary.mp4", "drop.mp4")
    )
    middle = next(row for row in vary if row["StartFrameNumber"] >= 600)
    assert middle["StartTimestampMillis"] > middle["StartFrameNumber"] * 40 * 1.2
    assert all(";" in row["StartTimecodeSMPTE"] for row in drop)
