"""Reading what S3 says of its objects: its own notifications, EventBridge's events, and either of
them wrapped by SNS. Pure: text in, notices out.

Formats: the "Event message structure" and "EventBridge" pages of the S3 user guide, and "Amazon
SNS message and JSON formats".
"""

from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import unquote_plus

from video_pipeline.aws.queue import Unreadable, message_in
from video_pipeline.notifications.queue import Notice

Happened = Literal["created", "removed"]
_REMOVED = ("ObjectRemoved:", "LifecycleExpiration:", "Object Deleted")
_CREATED = (
    "ObjectCreated:",
    "ObjectRestore:Completed",
    "Object Created",
    "Object Restore Completed",
)


def read(body: str, bucket: str) -> tuple[Notice, ...]:
    """What a message tells of the objects of this bucket, each key exact.

    Nothing for `s3:TestEvent` and for happenings that change no object (tags, access lists).
    Raises Unreadable for what is no JSON, of no known form, or of another bucket.
    """
    message = message_in(body)
    if message.get("Event") == "s3:TestEvent":
        return ()
    if isinstance(message.get("Records"), list):
        return tuple(_from_records(message["Records"], bucket))
    if message.get("source") == "aws.s3":
        return tuple(_from_eventbridge(message, bucket))
    raise Unreadable("it is neither a notification of S3 nor an event of EventBridge")


def _from_records(records: list[Any], bucket: str) -> Iterator[Notice]:
    for record in records:
        try:
            name, stored = record["eventName"], record["s3"]
            owner, key = stored["bucket"]["name"], stored["object"]["key"]
        except (LookupError, TypeError) as error:
            raise Unreadable(f"a record lacks {error}") from error
        yield from _notice(name, owner, key, bucket, encoded=True)


def _from_eventbridge(message: dict[str, Any], bucket: str) -> Iterator[Notice]:
    try:
        name, detail = message["detail-type"], message["detail"]
        owner, key = detail["bucket"]["name"], detail["object"]["key"]
    except (LookupError, TypeError) as error:
        raise Unreadable(f"the event lacks {error}") from error
    yield from _notice(name, owner, key, bucket, encoded=False)


def _notice(name: Any, owner: Any, key: Any, bucket: str, *, encoded: bool) -> Iterator[Notice]:
    """A notification has its key as in a form (a space is a plus); EventBridge has it as it is."""
    if not (isinstance(name, str) and isinstance(key, str) and key):
        raise Unreadable("an event's name or an object's key is no text")
    if owner != bucket:
        raise Unreadable(f"it tells of the bucket {owner!r}, and the ingest store is {bucket!r}")
    happened = _happened(name.removeprefix("s3:"))
    if happened:
        yield Notice(object_key=_exact(key, encoded), happened=happened)


def _happened(name: str) -> Happened | None:
    if name.startswith(_REMOVED):
        return "removed"
    return "created" if name.startswith(_CREATED) else None


def _exact(key: str, encoded: bool) -> str:
    """JSON can hold halves of characters, of which no key is made."""
    try:
        exact = unquote_plus(key, errors="strict") if encoded else key
        exact.encode()
    except UnicodeError as error:
        raise Unreadable(f"the key {key!r} is no UTF-8") from error
    return exact
