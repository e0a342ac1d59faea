"""Reading one queue of SQS. What its messages mean is for notifications and providers to say."""

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, cast

from video_pipeline.domain.values import read_json

_log = logging.getLogger(__name__)
# The most that SQS hands out, and lets be deleted, at once.
BATCH = 10
# How long a received message stays hidden: longer than any reader needs for a batch.
VISIBILITY_SECONDS = 120
_REASON_LENGTH = 1000
# SQS carries at most 1 MiB.
_MOST_BYTES = 1 << 20


class SqsQueue:
    """A queue, and the queue for its dead letters where there is one.

    `client` returns a boto3 client of SQS; `errors` translates what it raises at an address. A
    message that is not deleted is delivered again, after `visibility_seconds`.
    """

    def __init__(
        self,
        client: Callable[[], Any],
        url: str,
        errors: Callable[[str], AbstractContextManager[None]],
        dead_letters: str | None = None,
        visibility_seconds: int = VISIBILITY_SECONDS,
    ) -> None:
        self._client, self.url, self._errors = client, url, errors
        self._dead_letters, self._visibility = dead_letters, visibility_seconds

    def receive(self, wait_seconds: int) -> list[tuple[str, str]]:
        """Return the receipt and body of the next messages, at most `BATCH`. A wait above 0 asks
        all servers of the queue."""
        answer = self._ask(
            "receive_message",
            self.url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=wait_seconds,
            VisibilityTimeout=self._visibility,
        )
        with self._errors(self.url):
            messages = answer.get("Messages", ())
            return [(one["ReceiptHandle"], one.get("Body", "")) for one in messages]

    def delete(self, receipts: Iterable[str]) -> None:
        """Delete messages. One that cannot be deleted now is delivered again, and does no harm."""
        left = list(dict.fromkeys(receipts))
        for start in range(0, len(left), BATCH):
            entries = [
                {"Id": str(index), "ReceiptHandle": receipt}
                for index, receipt in enumerate(left[start : start + BATCH])
            ]
            answer = self._ask("delete_message_batch", self.url, Entries=entries)
            for failed in answer.get("Failed", ()):
                _log.warning("%s: a message was not deleted: %s", self.url, failed.get("Code"))

    def set_aside(self, receipt: str, body: str, reason: str) -> bool:
        """Move a message to the dead letters, with the reason. Returns False where there is no
        queue for them. It is sent before it is deleted, so that it is never in neither queue."""
        if self._dead_letters is None:
            return False
        self._ask(
            "send_message",
            self._dead_letters,
            MessageBody=body or "(empty)",
            MessageAttributes={
                "reason": {"StringValue": reason[:_REASON_LENGTH], "DataType": "String"}
            },
        )
        self.delete([receipt])
        return True

    def _ask(self, method: str, url: str, **parameters: Any) -> dict[str, Any]:
        with self._errors(url):
            answer: dict[str, Any] = getattr(self._client(), method)(QueueUrl=url, **parameters)
        return answer


class Unreadable(ValueError):
    """Why a message cannot be read, now or later."""


def message_in(body: str) -> dict[str, Any]:
    """Return the JSON object in a message, without the envelope that SNS puts around it where raw
    message delivery is off. Raises Unreadable.

    Format: "Amazon SNS message and JSON formats".
    """
    message = _object(body)
    carried = message.get("Message")
    if message.get("Type") == "Notification" and isinstance(carried, str):
        return _object(carried)
    return message


def _object(text: str) -> dict[str, Any]:
    try:
        value: Any = read_json(text, most_bytes=_MOST_BYTES)
    except ValueError as error:
        raise Unreadable(f"it is no JSON that can be read: {error}") from error
    if not isinstance(value, dict):
        raise Unreadable("it is JSON, but no object")
    return cast("dict[str, Any]", value)
