"""Completions in a real topic and queue, with the faults that events have."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from video_pipeline.testing import Double, Fault, serving
from video_pipeline_tests.doubles.aws.rekognition import Rekognition, Settings
from video_pipeline_tests.doubles.aws.tests.rekognition.asking import ended, get, start
from video_pipeline_tests.servers.s3_servers import S3Server
from video_pipeline_tests.servers.topics_and_queues import (
    QueueOfCompletions,
    new_bucket,
    topic_to_queue,
)


@pytest.fixture
def double(peers: S3Server) -> Iterator[Double]:
    with serving(Rekognition(Settings(running_seconds=0, sns=peers.endpoint))) as started:
        yield started


@pytest.fixture
def client(double: Double) -> Any:
    return double.client("rekognition")


@pytest.fixture
def queue(peers: S3Server) -> QueueOfCompletions:
    return topic_to_queue(peers)


def told(queue: QueueOfCompletions) -> list[dict[str, Any]]:
    return queue.bodies(wait_seconds=5)


def test_event_of_ended_job_is_as_documented(client: Any, queue: QueueOfCompletions) -> None:
    job = start(client, NotificationChannel=queue.channel, JobTag="acme")
    [message] = told(queue)
    assert message.pop("Timestamp") > 1_600_000_000_000
    assert message == {
        "JobId": job,
        "Status": "SUCCEEDED",
        "API": "LABEL_DETECTION",
        "JobTag": "acme",
        "Video": {"S3ObjectName": "a/b.mp4", "S3Bucket": "videos"},
    }


def test_both_spellings_of_the_operation_occur(client: Any, queue: QueueOfCompletions) -> None:
    for _ in range(2):
        ended(client, start(client, NotificationChannel=queue.channel))
    messages = told(queue)
    messages += told(queue) if len(messages) < 2 else []
    assert {m["API"] for m in messages} == {"LABEL_DETECTION", "StartLabelDetection"}


def test_a_topic_that_does_not_deliver_raw_wraps_the_message(peers: S3Server, client: Any) -> None:
    queue = topic_to_queue(peers, "wrapped")
    job = start(client, NotificationChannel=queue.channel)
    [envelope] = told(queue)
    assert envelope["TopicArn"] == queue.source
    assert json.loads(envelope["Message"])["JobId"] == job


def test_replay_sends_no_second_event(client: Any, queue: QueueOfCompletions) -> None:
    asked = {"NotificationChannel": queue.channel, "ClientRequestToken": "unit-1"}
    job = start(client, **asked)
    assert len(told(queue)) == 1
    assert start(client, **asked) == job
    assert queue.bodies(wait_seconds=1) == []


def test_job_without_channel_sends_no_event(
    double: Double, client: Any, queue: QueueOfCompletions
) -> None:
    ended(client, start(client))
    assert (queue.bodies(), double.books()["events"]) == ([], [])


def test_an_event_may_be_lost(double: Double, client: Any, queue: QueueOfCompletions) -> None:
    double.inject(Fault(what="event_lost"))
    job = start(client, NotificationChannel=queue.channel)
    assert ended(client, job)["JobStatus"] == "SUCCEEDED"
    assert queue.bodies(wait_seconds=1) == []


def test_event_can_be_duplicated(double: Double, client: Any, queue: QueueOfCompletions) -> None:
    double.inject(Fault(what="event_twice"))
    job = start(client, NotificationChannel=queue.channel)
    messages = told(queue)
    messages += told(queue) if len(messages) < 2 else []
    assert [message["JobId"] for message in messages] == [job, job]


def test_event_can_precede_the_reply(
    double: Double, client: Any, queue: QueueOfCompletions
) -> None:
    double.configure(running_seconds=600)
    double.inject(Fault(what="event_before_reply"))
    job = start(client, NotificationChannel=queue.channel)
    assert [message["JobId"] for message in queue.bodies()] == [job]
    assert get(client, job)["JobStatus"] == "SUCCEEDED"


def test_event_can_name_an_unknown_job(
    double: Double, client: Any, queue: QueueOfCompletions
) -> None:
    double.inject(Fault(what="event_of_unknown_job"))
    job = start(client, NotificationChannel=queue.channel)
    messages = told(queue)
    messages += told(queue) if len(messages) < 2 else []
    strange = [message["JobId"] for message in messages if message["JobId"] != job]
    assert len(strange) == 1
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        get(client, strange[0])


def test_a_job_may_end_in_error(double: Double, client: Any, queue: QueueOfCompletions) -> None:
    double.inject(Fault(what="event_error"))
    job = start(client, NotificationChannel=queue.channel)
    assert [message["Status"] for message in told(queue)] == ["ERROR"]
    assert get(client, job)["JobStatus"] == "FAILED"


def test_an_object_that_is_not_in_the_bucket_is_refused(
    peers: S3Server, double: Double, client: Any
) -> None:
    double.configure(s3=peers.endpoint)
    bucket = new_bucket(peers, versioned=True)
    s3 = peers.clients().client("s3")
    version = s3.put_object(Bucket=bucket, Key="a.mp4", Body=b"media")["VersionId"]
    there = {"S3Object": {"Bucket": bucket, "Name": "a.mp4", "Version": version}}
    gone = {"S3Object": {"Bucket": bucket, "Name": "b.mp4"}}
    client.start_label_detection(Video=there)
    with pytest.raises(client.exceptions.InvalidS3ObjectException, match="object metadata"):
        client.start_label_detection(Video=gone)
