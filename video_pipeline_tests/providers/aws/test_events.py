"""Events of ended jobs: the jobs in them, and what stays in the queue."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.aws.queue import Unreadable, message_in
from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.plugins.base import Heard
from video_pipeline.providers.aws.events import Queue, transcribe_jobs
from video_pipeline.providers.aws.rekognition.analyses import jobs_of

ENDED: dict[str, Any] = {
    "JobId": "3c1b",
    "Status": "SUCCEEDED",
    "API": "StartLabelDetection",
    "JobTag": "acme/a/5a5a",
    "Timestamp": 1502230160926,
    "Video": {"S3ObjectName": "a.mp4", "S3Bucket": "videos"},
}
TRANSCRIBED = {
    "version": "0",
    "source": "aws.transcribe",
    "detail-type": "Transcribe Job State Change",
    "detail": {"TranscriptionJobName": "5a5a", "TranscriptionJobStatus": "COMPLETED"},
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
)


def by_sns(message: Any) -> str:
    return json.dumps({"Type": "Notification", "TopicArn": "t", "Message": json.dumps(message)})


def test_message_is_read_without_its_envelope() -> None:
    assert message_in(json.dumps(ENDED)) == message_in(by_sns(ENDED)) == ENDED


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "ERROR"])
@pytest.mark.parametrize(
    ("api", "job"),
    [
        ("StartLabelDetection", "LabelDetection/3c1b"),
        ("LABEL_DETECTION", "LabelDetection/3c1b"),
        ("SEGMENT_DETECTION", "SegmentDetection/3c1b"),
        ("StartContentModeration", "ContentModeration/3c1b"),
        ("CONTENT_MODERATION", "ContentModeration/3c1b"),
    ],
)
def test_both_spellings_of_the_analysis_are_read(status: str, api: str, job: str) -> None:
    assert jobs_of(ENDED | {"API": api, "Status": status}) == [job]


def test_unnamed_analysis_may_be_any() -> None:
    meant = jobs_of({"JobId": "3c1b", "Status": "SUCCEEDED"})
    assert "SegmentDetection/3c1b" in meant and "FaceDetection/3c1b" in meant


def test_running_job_is_skipped() -> None:
    assert not jobs_of(ENDED | {"Status": "IN_PROGRESS"})


def test_transcription_is_named_by_its_event() -> None:
    assert transcribe_jobs(TRANSCRIBED) == ("5a5a",)
    other = "Transcribe Language Identification State Change"
    assert not transcribe_jobs(TRANSCRIBED | {"detail-type": other})
    assert not transcribe_jobs(ENDED)
    assert not jobs_of(TRANSCRIBED)


@given(st.text() | anything.map(json.dumps) | anything.map(by_sns))
def test_any_message_is_read_or_left(body: str) -> None:
    try:
        carried = message_in(body)
    except Unreadable:
        return
    assert all(jobs_of(carried)) and all(transcribe_jobs(carried))


def test_too_deep_json_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="too deep"):
        message_in("[" * 100_000)


class FakeSqs:
    """The part of SQS that a queue uses: a received message stays until it is deleted."""

    def __init__(self, bodies: list[str]) -> None:
        self.left = {str(number): body for number, body in enumerate(bodies)}
        self.seen: set[str] = set()
        self.deletions: list[int] = []

    def receive_message(self, MaxNumberOfMessages: int, **_: Any) -> dict[str, Any]:
        given = [name for name in self.left if name not in self.seen][:MaxNumberOfMessages]
        self.seen.update(given)
        return {"Messages": [{"ReceiptHandle": n, "Body": self.left[n]} for n in given]}

    def delete_message_batch(self, Entries: list[Any], **_: Any) -> dict[str, Any]:
        self.deletions.append(len(Entries))
        for entry in Entries:
            del self.left[entry["ReceiptHandle"]]
        return {}


def test_foreign_messages_stay_in_the_queue() -> None:
    sqs = FakeSqs([by_sns(ENDED), "no JSON", json.dumps({"Type": "S3"}), json.dumps(ENDED)])
    queue = Queue(lambda: sqs, "http://queue/1", jobs_of)
    heard = queue.listen()
    assert [one.job for one in heard] == ["LabelDetection/3c1b"] * 2
    queue.acknowledge(heard)
    assert sorted(sqs.left) == ["1", "2"]


def test_events_are_deleted_in_batches_of_ten() -> None:
    sqs = FakeSqs([json.dumps(ENDED | {"JobId": str(number)}) for number in range(25)])
    queue = Queue(lambda: sqs, "http://queue/1", jobs_of)
    heard = queue.listen()
    assert len({one.job for one in heard}) == 25
    queue.acknowledge([*heard, *heard[:3]])
    assert sqs.deletions == [10, 10, 5] and not sqs.left


def test_acknowledge_without_events_deletes_nothing() -> None:
    sqs = FakeSqs([json.dumps(ENDED)])
    Queue(lambda: sqs, "http://queue/1", jobs_of).acknowledge([])
    assert sqs.left and not sqs.deletions


def test_unreachable_queue_is_named_in_the_error() -> None:
    import boto3

    sqs = boto3.client(
        "sqs",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    queue = Queue(lambda: sqs, "http://127.0.0.1:9/1/q", jobs_of)
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1:9/1/q") as raised:
        queue.acknowledge([Heard(job="j", receipt="r")])
    assert raised.value.category is FailureCategory.TRANSIENT
