"""A bucket that sends notifications to a queue, on a real S3 and SQS server."""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from video_pipeline.notifications.sqs import SqsNotices
from video_pipeline.storage.s3.clients import AwsClients
from video_pipeline_tests.servers.s3_servers import S3Server

Way = Literal["queue", "topic", "bridge"]
_EVENTS = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]


@dataclass(frozen=True)
class BucketThatTells:
    """A bucket, its queue and its dead-letter queue, with the owner's S3 and SQS clients."""

    server: S3Server
    name: str
    queue: str
    dead_letters: str
    s3: Any
    sqs: Any

    def notices(self, *, dead_letters: bool = True) -> SqsNotices:
        """Return the queue as the pipeline reads it. A receive returns at once if it is empty."""
        aside = self.dead_letters if dead_letters else None
        return SqsNotices(self.sqs, self.name, self.queue, aside, wait_seconds=0)

    def put(self, key: str, content: bytes = b"media") -> None:
        """Put an object, which sends a notification."""
        self.s3.put_object(Bucket=self.name, Key=key, Body=content)

    def remove(self, key: str) -> None:
        """Delete an object, which sends a notification."""
        self.s3.delete_object(Bucket=self.name, Key=key)

    def say(self, body: str) -> None:
        """Send a message to the queue, which did not come from the bucket."""
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)

    def waiting(self) -> int:
        """Return the number of messages in the queue, including received but not deleted ones."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        asked = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)
        return sum(int(asked["Attributes"][name]) for name in names)


def bucket_that_tells(server: S3Server, way: Way = "queue") -> BucketThatTells:
    """Make a bucket and its queues. Notifications come directly, by SNS or by EventBridge."""
    clients, name = server.clients(), f"videos-{uuid.uuid4().hex[:12]}"
    s3, sqs = clients.client("s3"), clients.client("sqs", server.endpoint)
    queue, aside = (sqs.create_queue(QueueName=f"{name}{end}")["QueueUrl"] for end in ("", "-dead"))
    asked = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = asked["Attributes"]["QueueArn"]
    s3.create_bucket(Bucket=name)
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration=_told(server, clients, name, arn, way)
    )
    return BucketThatTells(server, name, queue, aside, s3, sqs)


def _told(server: S3Server, clients: AwsClients, name: str, arn: str, way: Way) -> dict[str, Any]:
    if way == "queue":
        return {"QueueConfigurations": [{"QueueArn": arn, "Events": _EVENTS}]}
    if way == "topic":
        sns = clients.client("sns", server.endpoint)
        topic = sns.create_topic(Name=name)["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return {"TopicConfigurations": [{"TopicArn": topic, "Events": _EVENTS}]}
    events = clients.client("events", server.endpoint)
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return {"EventBridgeConfiguration": {}}


def notification(bucket: str, key: str, name: str = "ObjectCreated:Put") -> str:
    """Return a notification in S3's format, for a key that needs no URL encoding."""
    stored = {"bucket": {"name": bucket}, "object": {"key": key, "sequencer": "00"}}
    return json.dumps({"Records": [{"eventName": name, "s3": stored}]})
