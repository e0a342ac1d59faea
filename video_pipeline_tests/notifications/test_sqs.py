"""The queue of notices over real servers: delivery, acknowledgement, dead letters, trouble."""

import time
from typing import get_args

import pytest

from video_pipeline.aws.queue import BATCH
from video_pipeline.domain.errors import NoticesError
from video_pipeline.notifications.queue import Delivery
from video_pipeline.notifications.sqs import SqsNotices
from video_pipeline_tests.servers.bucket_that_tells import (
    BucketThatTells,
    Way,
    bucket_that_tells,
    notification,
)
from video_pipeline_tests.servers.buckets import Servers

KEY = "projects/acme/videos/intro/a.mp4"


def drained(notices: SqsNotices) -> list[Delivery]:
    """Everything that can be received, and nothing acknowledged."""
    found: list[Delivery] = []
    while batch := notices.receive():
        assert len(batch) <= BATCH
        found += batch
    return found


@pytest.mark.parametrize("way", get_args(Way))
@pytest.mark.parametrize("server", ["ministack", "moto"])
def test_what_happens_to_an_object_is_told_with_its_exact_key(
    servers: Servers, server: str, way: Way
) -> None:
    telling, key = bucket_that_tells(servers[server], way), "projects/acme/videos/one two/a.mp4"
    telling.put(key)
    telling.remove(key)
    told: set[tuple[str, str]] = set()
    until = time.monotonic() + 30
    while len(told) < 2 and time.monotonic() < until:
        told |= {
            (n.object_key, n.happened) for one in drained(telling.notices()) for n in one.notices
        }
    assert told == {(key, "created"), (key, "removed")}


def test_the_event_that_tries_the_queue_tells_nothing(telling: BucketThatTells) -> None:
    telling.say('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "any"}')
    deliveries = drained(telling.notices())
    assert deliveries and not any(one.notices or one.unreadable for one in deliveries)


def test_what_is_acknowledged_does_not_come_again(telling: BucketThatTells) -> None:
    for number in range(23):
        telling.say(notification(telling.name, f"projects/acme/videos/v{number}/a.mp4"))
    notices = telling.notices()
    deliveries = [one for one in drained(notices) if one.notices]
    assert len(deliveries) == 23
    notices.acknowledge(deliveries)
    notices.acknowledge([])
    assert all(not one.notices for one in drained(notices))


def test_what_is_received_stays_unseen_but_is_not_gone(telling: BucketThatTells) -> None:
    telling.say(notification(telling.name, KEY))
    assert [one for one in drained(telling.notices()) if one.notices]
    assert not drained(telling.notices())
    assert telling.waiting() >= 1


def test_what_nobody_can_read_goes_to_the_dead_letters_with_the_reason(
    telling: BucketThatTells,
) -> None:
    telling.say("hello")
    notices = telling.notices()
    (poison,) = [one for one in drained(notices) if one.unreadable]
    assert notices.set_aside(poison)
    (letter,) = telling.sqs.receive_message(
        QueueUrl=telling.dead_letters, MessageAttributeNames=["All"]
    )["Messages"]
    assert letter["Body"] == "hello"
    assert "no JSON" in letter["MessageAttributes"]["reason"]["StringValue"]


def test_without_a_place_for_dead_letters_they_stay(telling: BucketThatTells) -> None:
    telling.say(notification("theirs", KEY))
    notices = telling.notices(dead_letters=False)
    (poison,) = [one for one in drained(notices) if one.unreadable]
    before = telling.waiting()
    assert not notices.set_aside(poison)
    assert telling.waiting() == before


def test_a_queue_that_is_missing_is_told_with_the_remedy(telling: BucketThatTells) -> None:
    missing = SqsNotices(telling.sqs, telling.name, f"{telling.queue}-missing", wait_seconds=0)
    with pytest.raises(NoticesError, match=r"storage\.ingest\.notifications"):
        missing.receive()


def test_a_server_that_does_not_answer_is_told(telling: BucketThatTells) -> None:
    client = telling.server.clients().client("sqs", "http://127.0.0.1:9")
    with pytest.raises(NoticesError, match="does not answer"):
        SqsNotices(client, telling.name, "http://127.0.0.1:9/queue").receive()
