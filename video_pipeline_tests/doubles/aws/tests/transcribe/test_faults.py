"""Each fault, as a boto3 client that makes one attempt sees it, and what it leaves in the books."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from video_pipeline.testing import Fault
from video_pipeline_tests.doubles.aws.tests.transcribe.asking import ended, get, result, start
from video_pipeline_tests.doubles.aws.tests.transcribe.conftest import Stage
from video_pipeline_tests.doubles.aws.transcribe.refusals import REFUSALS


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_is_the_vendors_and_bills_nothing(stage: Stage, client: Any, what: str) -> None:
    code, status, message = REFUSALS[what]
    stage.double.inject(Fault(what=what, operation="Start*", video="acme/*"))
    with pytest.raises(ClientError) as raised:
        start(client, stage.bucket)
    told = raised.value.response
    assert (told["Error"]["Code"], told["Error"]["Message"]) == (code, message)
    assert told["ResponseMetadata"]["HTTPStatusCode"] == status
    assert stage.double.books()["jobs"] == []


def test_limit_exceeded_code_has_two_meanings() -> None:
    assert REFUSALS["limit_exceeded"][0] == REFUSALS["media_too_long"][0]
    assert REFUSALS["limit_exceeded"][2] != REFUSALS["media_too_long"][2]


def test_a_get_may_be_throttled(stage: Stage, client: Any) -> None:
    stage.double.inject(Fault(what="limit_exceeded", operation="GetTranscriptionJob"))
    start(client, stage.bucket)
    with pytest.raises(client.exceptions.LimitExceededException):
        get(client)
    assert ended(client)["TranscriptionJobStatus"] == "COMPLETED"


def test_lost_reply_leaves_the_name_in_use(stage: Stage, client: Any) -> None:
    stage.double.inject(Fault(what="reply_lost", operation="Start*"))
    with pytest.raises(ConnectionClosedError):
        start(client, stage.bucket)
    with pytest.raises(client.exceptions.ConflictException):
        start(client, stage.bucket)
    assert ended(client)["TranscriptionJobStatus"] == "COMPLETED"
    assert stage.double.books()["billed"] == {"Transcription": 60}


@pytest.mark.parametrize(
    ("what", "said"), [("job_failed", "detected media format"), ("no_audio", "audio track")]
)
def test_a_job_fails_with_its_reason_and_keeps_its_name(
    stage: Stage, client: Any, what: str, said: str
) -> None:
    stage.double.inject(Fault(what=what))
    start(client, stage.bucket)
    job = ended(client)
    assert job["TranscriptionJobStatus"] == "FAILED"
    assert said in job["FailureReason"]
    [event] = stage.queue.bodies(wait_seconds=5)
    assert event["detail"]["FailureReason"] == job["FailureReason"]
    assert stage.double.books()["billed"] == {}
    with pytest.raises(client.exceptions.ConflictException):
        start(client, stage.bucket)


@pytest.mark.parametrize(
    ("what", "status"), [("queued_for_ever", "QUEUED"), ("never_ends", "IN_PROGRESS")]
)
def test_job_can_run_without_end(stage: Stage, client: Any, what: str, status: str) -> None:
    stage.double.inject(Fault(what=what))
    start(client, stage.bucket)
    stage.double.advance(100_000)
    assert get(client)["TranscriptionJobStatus"] == status
    with pytest.raises(ClientError, match="can't be deleted"):
        client.delete_transcription_job(TranscriptionJobName="unit-1")


def test_the_result_may_be_missing_though_the_job_is_done(stage: Stage, client: Any) -> None:
    stage.double.inject(Fault(what="output_missing"))
    start(client, stage.bucket)
    assert "results/unit-1.json" in ended(client)["Transcript"]["TranscriptFileUri"]
    with pytest.raises(stage.s3.exceptions.NoSuchKey):
        result(stage.s3, stage.bucket)


def test_the_result_may_be_no_json(stage: Stage, client: Any) -> None:
    stage.double.inject(Fault(what="output_malformed"))
    start(client, stage.bucket)
    ended(client)
    with pytest.raises(json.JSONDecodeError):
        result(stage.s3, stage.bucket)


def test_result_can_be_without_words(stage: Stage, client: Any) -> None:
    stage.double.inject(Fault(what="no_words"))
    start(client, stage.bucket)
    ended(client)
    told = result(stage.s3, stage.bucket)["results"]
    assert (told["items"], told["transcripts"]) == ([], [{"transcript": ""}])


def test_a_bucket_that_is_not_there_fails_the_job(stage: Stage, client: Any) -> None:
    start(client, stage.bucket, OutputBucketName="nowhere-at-all")
    assert "could not be written" in ended(client)["FailureReason"]


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("event_lost", []),
        ("event_twice", ["unit-1", "unit-1"]),
        ("event_before_reply", ["unit-1"]),
        ("event_of_unknown_job", ["unit-1", "unit-1.of-somebody-else"]),
    ],
)
def test_events_may_go_wrong(stage: Stage, client: Any, what: str, names: list[str]) -> None:
    stage.double.inject(Fault(what=what))
    start(client, stage.bucket)
    assert ended(client)["TranscriptionJobStatus"] == "COMPLETED"
    heard: list[str] = []
    for _ in range(max(1, len(names))):
        heard += [e["detail"]["TranscriptionJobName"] for e in stage.queue.bodies(wait_seconds=1)]
    assert sorted(heard) == names


def test_unknown_job_can_have_the_code_of_the_model(stage: Stage, client: Any) -> None:
    stage.double.configure(missing_job="NotFoundException")
    with pytest.raises(client.exceptions.NotFoundException):
        get(client, "nobody")
