"""Queues for completion events of jobs, on a real SNS, SQS and EventBridge server.

Rekognition publishes to an SNS topic. With `raw` delivery, the body of a queue message is the
vendor's message alone. With `wrapped` delivery, SNS's default, it is inside SNS's envelope.
Transcribe's events come by an EventBridge rule, whose envelope cannot be removed.
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from video_pipeline_tests.servers.s3_servers import S3Server

Delivery = Literal["raw", "wrapped"]
# The role that Rekognition publishes with.
ROLE = "arn:aws:iam::000000000000:role/rekognition-tells"


@dataclass(frozen=True)
class QueueOfCompletions:
    """A queue and its source at AWS: a topic's ARN, a rule's name, or nothing."""

    url: str
    arn: str
    source: str
    sqs: Any

    @property
    def channel(self) -> dict[str, str]:
        """Return the NotificationChannel of a request whose completion is to be published here."""
        return {"SNSTopicArn": self.source, "RoleArn": ROLE}

    def bodies(self, wait_seconds: int = 0) -> list[Any]:
        """Receive and delete all messages in the queue, and return their bodies as parsed JSON."""
        found: list[Any] = []
        while received := self._receive(wait_seconds if not found else 0):
            for message in received:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def left(self) -> int:
        """Return the number of messages in the queue, including received but not deleted ones."""
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=asked)
        return sum(int(count) for count in found["Attributes"].values())

    def _receive(self, wait_seconds: int) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
        )
        return answer.get("Messages", [])


def topic_to_queue(server: S3Server, delivery: Delivery = "raw") -> QueueOfCompletions:
    """Make a topic, and a queue that receives the messages published to it."""
    name = f"AmazonRekognition-{uuid.uuid4().hex[:12]}"
    sqs, url, arn = _queue(server, name)
    sns = server.clients().client("sns", server.endpoint)
    topic = sns.create_topic(Name=name)["TopicArn"]
    attributes = {"RawMessageDelivery": "true"} if delivery == "raw" else {}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    return QueueOfCompletions(url, arn, topic, sqs)


def rule_to_queue(server: S3Server) -> QueueOfCompletions:
    """Make an EventBridge rule for Transcribe's state changes, and a queue that receives them."""
    name = f"transcribe-{uuid.uuid4().hex[:12]}"
    sqs, url, arn = _queue(server, name)
    events = server.clients().client("events", server.endpoint)
    pattern = {"source": ["aws.transcribe"], "detail-type": ["Transcribe Job State Change"]}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return QueueOfCompletions(url, arn, name, sqs)


def untold_queue(server: S3Server) -> QueueOfCompletions:
    """Make a queue without a source: a double sends events to it directly."""
    sqs, url, arn = _queue(server, f"transcribe-{uuid.uuid4().hex[:12]}")
    return QueueOfCompletions(url, arn, "", sqs)


def new_bucket(server: S3Server, *, versioned: bool = False) -> str:
    """Make a bucket, and return its name."""
    s3, name = server.clients().client("s3"), f"media-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def _queue(server: S3Server, name: str) -> tuple[Any, str, str]:
    sqs = server.clients().client("sqs", server.endpoint)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return sqs, url, asked["Attributes"]["QueueArn"]
