"""Ended jobs as SNS tells them to a queue, with and without its envelope."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from video_pipeline.providers.aws.rekognition.plugin import RekognitionPlugin
from video_pipeline.testing import Double, Fault
from video_pipeline_tests.providers.aws.rekognition.conftest import Stored
from video_pipeline_tests.providers.aws.rekognition.rekognising import (
    TOPIC_ROLE,
    media,
    plugin,
    unit,
)
from video_pipeline_tests.servers.buckets import Servers


@dataclass
class Told:
    """A plugin whose queue is told of its jobs, and the queue itself."""

    plugin: RekognitionPlugin
    sqs: Any
    queue: str

    def left(self) -> int:
        """Messages that were not deleted, seen or not."""
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=asked)
        return sum(int(count) for count in found["Attributes"].values())


@pytest.fixture(params=["raw", "enveloped"])
def told(request: pytest.FixtureRequest, servers: Servers, double: Double) -> Iterator[Told]:
    server, account = servers["moto"], "123456789012"
    clients = server.clients()
    sns, sqs = (clients.client(name, server.endpoint) for name in ("sns", "sqs"))
    name = f"AmazonRekognition-{id(double)}-{request.param}"
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{account}:{name}"
    raw = {"RawMessageDelivery": "true"} if request.param == "raw" else {}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
    double.configure(sns=server.endpoint, s3=server.endpoint, running_seconds=0)
    at = f"{server.endpoint}/{account}/{name}"
    made = plugin(double.endpoint, topic=topic, topic_role=TOPIC_ROLE, completions=at)
    yield Told(made, sqs, queue)


def run(told: Told, stored: Stored, kind: str) -> str:
    job = told.plugin.submit(unit(told.plugin, kind), media(), stored.inputs).job
    assert job
    while told.plugin.poll([job])[job].state == "running":
        pass
    return job


def hear(told: Told, count: int) -> list[str]:
    heard = []
    while len(heard) < count:
        heard += told.plugin.listen()
    told.plugin.acknowledge(heard)
    return [one.job for one in heard]


def test_event_of_each_ended_job_is_read_and_acknowledged(told: Told, versioned: Stored) -> None:
    jobs = {run(told, versioned, kind) for kind in ("shot", "label", "moderation")}
    assert set(hear(told, 3)) == jobs
    assert told.left() == 0


def test_duplicate_event_names_the_same_job(told: Told, double: Double, versioned: Stored) -> None:
    double.inject(Fault(what="event_twice"))
    job = run(told, versioned, "label")
    assert hear(told, 2) == [job, job]


def test_failed_job_sends_an_event(told: Told, double: Double, versioned: Stored) -> None:
    double.inject(Fault(what="event_error"))
    job = run(told, versioned, "label")
    assert hear(told, 1) == [job]
    assert told.plugin.poll([job])[job].state == "failed"


def test_foreign_messages_are_left_for_the_redrive_policy(told: Told, versioned: Stored) -> None:
    for body in ("no JSON", json.dumps({"Records": []})):
        told.sqs.send_message(QueueUrl=told.queue, MessageBody=body)
    job = run(told, versioned, "label")
    assert hear(told, 1) == [job]
    assert told.left() == 2


def test_lost_event_leaves_job_to_lookup(told: Told, double: Double, versioned: Stored) -> None:
    double.inject(Fault(what="event_lost"))
    job = run(told, versioned, "label")
    assert list(told.plugin.listen()) == []
    assert told.plugin.poll([job])[job].state == "succeeded"
