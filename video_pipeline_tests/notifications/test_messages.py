"""What S3's messages mean: three ways in which they come, exact keys, and what nobody can read."""

import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.aws.queue import Unreadable
from video_pipeline.notifications.messages import read
from video_pipeline.notifications.queue import Notice

KEY = "projects/acme/videos/intro/a.mp4"


def record(name: str = "ObjectCreated:Put", key: str = KEY, bucket: str = "in") -> dict[str, Any]:
    stored = {"bucket": {"name": bucket}, "object": {"key": key, "size": 1, "sequencer": "0A"}}
    return {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name, "s3": stored}


def notification(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": list(records)})


def event(kind: str = "Object Created", key: str = KEY, bucket: str = "in") -> str:
    detail = {"version": "0", "bucket": {"name": bucket}, "object": {"key": key, "size": 1}}
    return json.dumps({"version": "0", "source": "aws.s3", "detail-type": kind, "detail": detail})


def by_sns(message: str) -> str:
    return json.dumps({"Type": "Notification", "MessageId": "1", "Message": message})


CREATED, REMOVED = (Notice(object_key=KEY, happened=what) for what in ("created", "removed"))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (notification(record()), [CREATED]),
        (notification(record("s3:ObjectCreated:CompleteMultipartUpload")), [CREATED]),
        (notification(record("ObjectCreated:Copy")), [CREATED]),
        (notification(record("ObjectRemoved:Delete")), [REMOVED]),
        (notification(record("ObjectRemoved:DeleteMarkerCreated")), [REMOVED]),
        (notification(record("LifecycleExpiration:Delete")), [REMOVED]),
        (notification(record("ObjectTagging:Put")), []),
        (notification(record(), record("ObjectRemoved:Delete")), [CREATED, REMOVED]),
        (notification(), []),
        (event(), [CREATED]),
        (event("Object Deleted"), [REMOVED]),
        (event("Object Tags Added"), []),
        (by_sns(notification(record())), [CREATED]),
        (by_sns(event()), [CREATED]),
        (json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "in"}), []),
        (by_sns(json.dumps({"Event": "s3:TestEvent", "Bucket": "in"})), []),
    ],
)
def test_all_message_forms_mean_the_same(body: str, expected: list[Notice]) -> None:
    assert list(read(body, "in")) == expected


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("a+b.mp4", "a b.mp4"),
        ("a%2Bb.mp4", "a+b.mp4"),
        ("a%20b.mp4", "a b.mp4"),
        ("100%25.mp4", "100%.mp4"),
        ("100%2525.mp4", "100%25.mp4"),
        ("%C3%BCber+%E6%98%A0.mp4", "über 映.mp4"),
        ("u%CC%88.mp4", "u\u0308.mp4"),
    ],
)
def test_keys_of_notifications_are_those_of_a_form(encoded: str, key: str) -> None:
    (notice,) = read(notification(record(key=encoded)), "in")
    assert notice.object_key == key


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_key_is_exact_both_ways(key: str) -> None:
    (told,) = read(notification(record(key=quote_plus(key))), "in")
    (by_bridge,) = read(event(key=key), "in")
    assert told.object_key == by_bridge.object_key == key


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "no JSON"),
        ("hello", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[1]", "no object"),
        ("{}", "neither a notification"),
        (json.dumps({"Records": [{"eventName": "ObjectCreated:Put"}]}), "lacks 's3'"),
        (json.dumps({"Records": ["x"]}), "lacks"),
        (json.dumps({"source": "aws.s3", "detail-type": "Object Created"}), "lacks 'detail'"),
        (notification(record(bucket="theirs")), "'theirs', and the ingest store is 'in'"),
        (event(bucket="theirs"), "'theirs'"),
        (notification(record(key="%FF.mp4")), "no UTF-8"),
        (event(key="projects/acme/videos/\ud800/a.mp4"), "no UTF-8"),
        (notification(record(key="a\udfff.mp4")), "no UTF-8"),
        (notification(record(key="")), "no text"),
        (json.dumps({"source": "aws.ec2", "detail-type": "x", "detail": {}}), "neither"),
        (by_sns("no json"), "no JSON"),
    ],
)
def test_unreadable_message_has_a_reason(body: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(body, "in")


NAMES = ["Records", "s3", "bucket", "object", "key", "name", "eventName", "source", "detail"]
NAMES += ["detail-type", "Type", "Message", "Event"]
LEAVES = st.none() | st.integers() | st.text() | st.sampled_from(["aws.s3", "Notification", "in"])
MESSAGES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
)


@given(MESSAGES)
def test_no_message_breaks_the_reader(value: Any) -> None:
    try:
        read(json.dumps(value), "in")
    except Unreadable as error:
        assert str(error)
