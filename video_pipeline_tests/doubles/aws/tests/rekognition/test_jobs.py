"""Jobs as the developer guide describes them: tokens, quotas, ends, lives, bills."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from video_pipeline.testing import Double, started
from video_pipeline_tests.doubles.aws.tests.rekognition.asking import (
    STARTS,
    all_rows,
    ended,
    get,
    start,
)

WEEK_SECONDS = 7 * 86_400


def code(raised: Any) -> str:
    return raised.value.response["Error"]["Code"]


@pytest.mark.parametrize("name", STARTS)
def test_a_job_of_each_operation_runs_and_succeeds(double: Double, client: Any, name: str) -> None:
    double.configure(running_seconds=30)
    job = start(client, name, JobTag="acme/a.b")
    running = get(client, job, name)
    assert (running["JobStatus"], running["JobId"]) == ("IN_PROGRESS", job)
    double.advance(31)
    told = ended(client, job, name)
    assert (told["JobStatus"], told["JobTag"]) == ("SUCCEEDED", "acme/a.b")
    assert told["Video"]["S3Object"]["Name"] == "a/b.mp4"


def test_the_same_token_is_the_same_job_and_is_billed_once(double: Double, client: Any) -> None:
    first = start(client, ClientRequestToken="unit-1")
    ended(client, first)
    assert start(client, ClientRequestToken="unit-1") == first
    books = double.books()
    assert (len(books["jobs"]), books["submissions"], books["replays"]) == (1, 2, 1)
    assert books["billed"] == {"LabelDetection": 1.0}


def test_the_same_token_with_other_parameters_is_refused(client: Any) -> None:
    start(client, ClientRequestToken="unit-1")
    with pytest.raises(ClientError) as raised:
        start(client, ClientRequestToken="unit-1", MinConfidence=80)
    assert code(raised) == "IdempotentParameterMismatchException"


def test_a_token_belongs_to_its_operation_and_its_account(client: Any, other: Any) -> None:
    jobs = {
        start(client, ClientRequestToken="unit-1"),
        start(client, "face_detection", ClientRequestToken="unit-1"),
        start(other, ClientRequestToken="unit-1"),
    }
    assert len(jobs) == 3


def test_a_token_is_forgotten_after_a_week(double: Double, client: Any) -> None:
    first = start(client, ClientRequestToken="unit-1")
    double.advance(WEEK_SECONDS + 60)
    assert start(client, ClientRequestToken="unit-1") != first


def test_account_runs_twenty_jobs_over_all_operations(
    double: Double, client: Any, other: Any
) -> None:
    double.configure(running_seconds=30)
    names = [list(STARTS)[number % 5] for number in range(20)]
    jobs = [start(client, name, f"{number}.mp4") for number, name in enumerate(names)]
    with pytest.raises(ClientError) as raised:
        start(client, "text_detection", "more.mp4")
    assert code(raised) == "LimitExceededException"
    start(other)
    assert double.books()["peak"] == {"111111111111/us-east-1": 20, "222222222222/us-east-1": 1}
    double.advance(31)
    ended(client, jobs[0], names[0])
    start(client, "text_detection", "more.mp4")


def test_replay_needs_no_slot(double: Double, client: Any) -> None:
    double.configure(running_seconds=30, concurrent=1)
    first = start(client, ClientRequestToken="unit-1")
    assert start(client, ClientRequestToken="unit-1") == first


def test_results_expire_after_a_week(double: Double, client: Any) -> None:
    job = start(client)
    ended(client, job)
    double.advance(WEEK_SECONDS + 60)
    with pytest.raises(ClientError) as raised:
        get(client, job)
    assert code(raised) == "ResourceNotFoundException"


def test_job_is_visible_to_its_account_and_operation_only(client: Any, other: Any) -> None:
    job = start(client)
    for who, name in ((other, "label_detection"), (client, "face_detection")):
        with pytest.raises(ClientError) as raised:
            get(who, job, name)
        assert code(raised) == "ResourceNotFoundException"


def test_billed_usage_is_the_processed_length_by_meter(double: Double, client: Any) -> None:
    double.configure(videos={"long*": {"duration": "90"}})
    ended(client, start(client, "segment_detection"), "segment_detection")
    ended(
        client,
        start(client, "segment_detection", "long.mp4", SegmentTypes=["SHOT"]),
        "segment_detection",
    )
    billed = double.books()["billed"]
    assert billed == {"SegmentDetection/SHOT": 2.5, "SegmentDetection/TECHNICAL_CUE": 1.0}


def test_books_of_another_process_are_read_over_http() -> None:
    settings = '{"running_seconds": 0, "videos": {"*": {"rows": 1200}}}'
    with started(
        "video_pipeline_tests.doubles.aws.rekognition", ["--settings", settings]
    ) as double:
        client = double.client("rekognition")
        assert len(all_rows(client, start(client))) == 1200
        assert double.books()["billed"] == {"LabelDetection": 1.0}
